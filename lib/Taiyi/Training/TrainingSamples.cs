using Taiyi.Data;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>Draws the sample prompts of a training with fixed seeds, so that pictures of different steps can be compared.</summary>
internal static class TrainingSamples
{
    public static IReadOnlyList<RgbImage> Draw(StableDiffusionPipeline pipeline, LoraTrainingOptions options, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        GenerationOptions generation = new()
        {
            Seed = options.SampleSeed,
            GuidanceScale = pipeline.Defaults.GuidanceScale ?? 7.5,
            NumInferenceSteps = pipeline.Defaults.NumInferenceSteps ?? 50,
        };
        using GenerationResult result = pipeline.Generate(options.SamplePrompts, generation, cancellationToken: cancellationToken);
        return [.. Enumerable.Range(0, options.SamplePrompts.Count).Select(i => RgbImage.FromTensor(result.Images[i]))];
    }
}
