using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>Draws the sample prompts of a training with fixed seeds, so that pictures of different steps can be compared; by the tiny decoder if there is one.</summary>
internal static class TrainingSamples
{
    public static IReadOnlyList<Image<Rgb24>> Draw(StableDiffusionPipeline pipeline, LoraTrainingOptions options, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        GenerationOptions generation = pipeline.DefaultOptions with { Seed = options.SampleSeed, Draft = pipeline.TinyDecoder is not null };
        using GenerationResult result = pipeline.Generate(options.SamplePrompts, generation, cancellationToken: cancellationToken);
        return result.Images;
    }
}
