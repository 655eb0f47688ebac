namespace Taiyi.Batches;

/// <summary>One row of a file of prompts. What it does not say is as in the options of the whole batch.</summary>
/// <param name="Line">Number of its line in the file, 1 for the first.</param>
/// <param name="Prompt">A Chinese prompt, without style words.</param>
public sealed record PromptRequest(int Line, string Prompt)
{
    /// <summary>What the pictures should not show.</summary>
    public string? NegativePrompt { get; init; }

    /// <summary>Seed of the first picture; the next ones have seed + 1, seed + 2, … All 64 bits count.</summary>
    public long? Seed { get; init; }

    /// <summary>Number of pictures.</summary>
    public int? NumImages { get; init; }

    /// <summary>Denoising steps.</summary>
    public int? Steps { get; init; }

    /// <summary>Guidance scale w.</summary>
    public double? GuidanceScale { get; init; }

    /// <summary>Height in pixels.</summary>
    public int? Height { get; init; }

    /// <summary>Width in pixels.</summary>
    public int? Width { get; init; }

    /// <summary>The options of the batch with what this row says.</summary>
    public GenerationOptions Apply(GenerationOptions batch) => batch with
    {
        NegativePrompt = NegativePrompt ?? batch.NegativePrompt,
        Seed = Seed ?? batch.Seed,
        NumImagesPerPrompt = NumImages ?? batch.NumImagesPerPrompt,
        NumInferenceSteps = Steps ?? batch.NumInferenceSteps,
        Timesteps = Steps is null ? batch.Timesteps : null,
        Sigmas = Steps is null ? batch.Sigmas : null,
        GuidanceScale = GuidanceScale ?? batch.GuidanceScale,
        Height = Height ?? batch.Height,
        Width = Width ?? batch.Width,
    };
}
