using static TorchSharp.torch;

namespace Taiyi;

/// <summary>Checks the options of a call against the model before anything is computed.</summary>
internal static class GenerationOptionsCheck
{
    /// <summary>The same options.</summary>
    /// <exception cref="ArgumentException">The first option that is out of its range.</exception>
    public static GenerationOptions CheckedFor(this GenerationOptions options, StableDiffusionPipeline pipeline, IReadOnlyList<string> prompts)
    {
        Require(prompts.Count > 0, "There is no prompt: give one or more, such as 一只狮子.");
        Require(options.NumImagesPerPrompt >= 1, $"The number of pictures per prompt is {options.NumImagesPerPrompt}; it must be 1 or more.");
        int most = pipeline.Scheduler.Config.NumTrainTimesteps;
        Require(
            options.NumInferenceSteps >= 1 && options.NumInferenceSteps <= most,
            $"The number of steps is {options.NumInferenceSteps}; it must be 1 to {most}, the timesteps that the model was trained with.");
        Require(options.Timesteps is null || options.Sigmas is null, "Both timesteps and sigmas are given; one of them says where the steps lie.");
        Require(
            options.GuidanceInterval is null || options.GuidanceInterval.Value.Above < options.GuidanceInterval.Value.UpTo,
            $"The guidance interval is {options.GuidanceInterval}; the first noise level must be below the second, such as 0.28 and 5.42.");
        Require(double.IsFinite(options.GuidanceScale), $"The guidance scale is {options.GuidanceScale}; it must be a finite number, 7.5 is usual.");
        Require(options.GuidanceRescale is null or (>= 0 and <= 1), $"The guidance rescale is {options.GuidanceRescale}; it must be 0 to 1, 0.7 is usual.");
        options.Forecast?.Validate();
        Require(!options.Draft || pipeline.TinyDecoder is not null, "A draft is asked for, and there is no tiny VAE to decode it: LoadTinyVae reads one, such as TAESD's taesd_decoder.safetensors.");
        CheckSize("height", options.Height, pipeline);
        CheckSize("width", options.Width, pipeline);
        if (options.Image is { } image)
        {
            int batch = prompts.Count * options.NumImagesPerPrompt;
            Require(
                image.dim() == 4 && image.shape[1] == 3 && (image.shape[0] == 1 || image.shape[0] == batch),
                $"The start picture has shape ({string.Join(", ", image.shape)}); it must be (1 or {batch}, 3, H, W) with values in [-1, 1].");
            CheckSize("height of the start picture", (int)image.shape[2], pipeline);
            CheckSize("width of the start picture", (int)image.shape[3], pipeline);
        }

        if (options.Mask is { } mask)
        {
            CheckMask(mask, options.Image, prompts.Count * options.NumImagesPerPrompt);
        }

        return options;
    }

    private static void CheckMask(Tensor mask, Tensor? image, int batch)
    {
        Require(image is not null, "There is a mask but no picture: give the picture of which the white part of the mask is to be drawn anew.");
        Require(
            mask.dim() == 4 && mask.shape[1] == 1 && (mask.shape[0] == 1 || mask.shape[0] == batch) && mask.shape.AsSpan(2).SequenceEqual(image!.shape.AsSpan(2)),
            $"The mask has shape ({string.Join(", ", mask.shape)}); with this picture it must be (1 or {batch}, 1, {image!.shape[2]}, {image.shape[3]}), 1 where it is drawn anew and 0 where it stays.");
        Require(mask.is_floating_point(), $"The mask is of {mask.dtype}; it must be a floating dtype with values in [0, 1].");
    }

    private static void CheckSize(string name, int? pixels, StableDiffusionPipeline pipeline)
    {
        int multiple = pipeline.VaeConfig.DownscaleFactor;
        Require(
            pixels is null || (pixels > 0 && pixels % multiple == 0),
            $"The {name} is {pixels} pixels; it must be a positive multiple of {multiple} for this model.");
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
        {
            throw new ArgumentException(message);
        }
    }
}
