using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi;

/// <summary>
/// The two functions of the original Python project, with its parameters and defaults: load the trained style, draw pictures.
/// </summary>
public static class Inference
{
    /// <summary>The style words that the original project adds to every prompt: cartoon style, warm tones, a sense of technology.</summary>
    public const string DefaultStyle = "卡通风格，暖色调，科技感";

    /// <summary>The seed of the original project's first picture.</summary>
    public const long DefaultSeed = 1000;

    /// <summary>How many pictures the original project draws of a prompt.</summary>
    public const int DefaultNumImages = 2;

    /// <summary>Loads the base model and puts a trained LoRA into it.</summary>
    /// <param name="loraPath">A LoRA file of any known format, such as <c>pytorch_lora_weights.safetensors</c>, or its folder; null loads the base alone.</param>
    /// <param name="modelPath">The base model's folder; <see cref="DefaultModel.Find"/> if null.</param>
    /// <param name="loraWeight">Strength of the LoRA, 0 (off) to 1 (as trained); other values extrapolate.</param>
    /// <param name="device">Where to compute; the CPU if null.</param>
    /// <param name="dtype">What the weights are kept in; <see cref="Precision.Default"/> if null.</param>
    public static StableDiffusionPipeline LoadLoraModel(
        string? loraPath, string? modelPath = null, double loraWeight = 1, Device? device = null, ScalarType? dtype = null)
    {
        StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(modelPath ?? DefaultModel.Find(), device, dtype);
        if (loraPath is not null)
        {
            pipeline.LoadLora(loraPath, loraWeight);
        }

        return pipeline;
    }

    /// <summary>Draws pictures: <c>images[0].Save("生成图_0.png")</c> writes the first one.</summary>
    /// <remarks>
    /// <see cref="StableDiffusionPipeline.Generate(string, GenerationOptions?, IProgress{DenoisingStep}?, CancellationToken)"/> takes more options, and
    /// <see cref="GenerationResultFiles.Save"/> writes its pictures with their parameters as PNG text.
    /// </remarks>
    /// <param name="pipeline">What <see cref="LoadLoraModel"/> returned.</param>
    /// <param name="prompt">A Chinese prompt, such as 一只狮子.</param>
    /// <param name="negativePrompt">What the pictures should not show.</param>
    /// <param name="numImagesPerPrompt">Number of pictures.</param>
    /// <param name="guidanceScale">Guidance scale; the model's own if null, else 7.5. At 1 or below the unconditional half is not computed.</param>
    /// <param name="numInferenceSteps">Denoising steps; the model's own if null, else 50.</param>
    /// <param name="seed">Seed of the first picture; the next ones have seed + 1, seed + 2 … Null draws one.</param>
    /// <param name="style">Style words appended to the prompt; those of <see cref="StyleOf"/> if null, "" adds nothing.</param>
    /// <param name="progress">Told of every step.</param>
    /// <param name="cancellationToken">Ends the call between two steps.</param>
    /// <returns>The pictures, in the order of their seeds.</returns>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public static IReadOnlyList<Image<Rgb24>> GenerateImage(
        StableDiffusionPipeline pipeline,
        string prompt,
        string negativePrompt = "",
        int numImagesPerPrompt = DefaultNumImages,
        double? guidanceScale = null,
        int? numInferenceSteps = null,
        long? seed = DefaultSeed,
        string? style = null,
        IProgress<DenoisingStep>? progress = null,
        CancellationToken cancellationToken = default)
    {
        GenerationOptions usual = pipeline.DefaultOptions, options = usual with
        {
            NegativePrompt = negativePrompt,
            NumImagesPerPrompt = numImagesPerPrompt,
            GuidanceScale = guidanceScale ?? usual.GuidanceScale,
            NumInferenceSteps = numInferenceSteps ?? usual.NumInferenceSteps,
            Seed = seed,
        };
        using GenerationResult result = pipeline.Generate(WithStyle(prompt, style ?? StyleOf(pipeline)), options, progress, cancellationToken);
        return result.Images;
    }

    /// <summary>The style words that suit a model: those of its folder, else the original project's.</summary>
    public static string StyleOf(StableDiffusionPipeline pipeline) => pipeline.Defaults.Style ?? DefaultStyle;

    /// <summary>The prompt followed by style words, as the original project joins them: <c>一只狮子，卡通风格，暖色调，科技感</c>; no comma where either is empty.</summary>
    public static string WithStyle(string prompt, string style = DefaultStyle) =>
        string.Join('，', ((string[])[prompt, style]).Where(words => !string.IsNullOrWhiteSpace(words)));
}
