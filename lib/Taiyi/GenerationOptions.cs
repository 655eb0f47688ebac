using Taiyi.Schedulers;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi;

/// <summary>
/// What to draw and how. Every field has the default of the original project; what suits a model best is
/// <see cref="StableDiffusionPipeline.DefaultOptions"/>.
/// </summary>
/// <remarks>Names and meanings follow diffusers, <c>StableDiffusionPipeline.__call__</c>.</remarks>
public sealed record GenerationOptions
{
    /// <summary>What the pictures should not show; takes the place of the empty prompt in guidance, eq. (6) of arXiv 2207.12598.</summary>
    public string NegativePrompt { get; init; } = "";

    /// <summary>
    /// Guidance scale w: epsilon = epsilon(empty) + w (epsilon(prompt) - epsilon(empty)). At 1 or below the empty prompt is
    /// not computed at all, which halves the time.
    /// </summary>
    public double GuidanceScale { get; init; } = 7.5;

    /// <summary>
    /// How much of the deviation that guidance adds to the prediction is taken back, 0 (none) to 1: a large guidance scale
    /// then no longer burns the picture out. Null for the model's own, else 0.
    /// </summary>
    public double? GuidanceRescale { get; init; }

    /// <summary>
    /// The noise levels σ that are guided, above the first and up to the second (arXiv 2404.07724: (0.28, 5.42] suits latent diffusion);
    /// in the other steps the empty prompt is not computed, which halves their time. Null guides all.
    /// </summary>
    public (double Above, double UpTo)? GuidanceInterval { get; init; }

    /// <summary>
    /// Leaves out some calls of the network and forecasts what they would have said, with any sampler: half the time for 30 steps, and a
    /// picture that differs a little. Null, the default, makes all calls. Runs of five steps and fewer have none to leave out.
    /// </summary>
    public SpectrumOptions? Forecast { get; init; }

    /// <summary>Denoising steps, 1 to the scheduler's number of training timesteps.</summary>
    public int NumInferenceSteps { get; init; } = 50;

    /// <summary>The timesteps to visit, decreasing, in place of a number of steps; null for the sampler's own.</summary>
    public IReadOnlyList<double>? Timesteps { get; init; }

    /// <summary>The noise levels σ to visit, decreasing, and last the one to end at, in place of a number of steps; null for the sampler's own.</summary>
    public IReadOnlyList<double>? Sigmas { get; init; }

    /// <summary>Pictures for each prompt, 1 or more.</summary>
    public int NumImagesPerPrompt { get; init; } = 1;

    /// <summary>Height H of the pictures in pixels, or null for the size that the model was trained at.</summary>
    public int? Height { get; init; }

    /// <summary>Width W of the pictures in pixels, or null for the size that the model was trained at.</summary>
    public int? Width { get; init; }

    /// <summary>
    /// Seed of the first picture of each prompt; picture i has a generator of its own with seed + i, so that it equals
    /// what that seed draws alone. Null draws a seed, which <see cref="GenerationResult.Seed"/> tells. All 64 bits count, as in torch:
    /// a seed above <see cref="long.MaxValue"/> is <c>unchecked((long)seed)</c>, and 2^64 - 1 is -1.
    /// </summary>
    public long? Seed { get; init; }

    /// <summary>
    /// Initial latents (B, C, H/f, W/f), unit-variance noise, B = prompts x pictures and f the VAE's factor; multiplied by
    /// the scheduler's initial sigma before the loop. Null draws them from the seeds. The caller keeps them.
    /// </summary>
    public Tensor? Latents { get; init; }

    /// <summary>
    /// A picture (1 or B, 3, H, W) in [-1, 1] to start from (image to image), or null. The caller keeps it.
    /// </summary>
    public Tensor? Image { get; init; }

    /// <summary>
    /// Where <see cref="Image"/> is drawn anew (inpainting): (1 or B, 1, H, W) of the picture's size in [0, 1], white (from 1/2 on) anew, black
    /// stays; or null. The caller keeps it. What stays comes back through the VAE, as in diffusers: its latents are the picture's own.
    /// </summary>
    public Tensor? Mask { get; init; }

    /// <summary>
    /// How far <see cref="Image"/> is changed, above 0 and up to 1: the share of the steps that is run after noising it. Without an
    /// image it has no meaning.
    /// </summary>
    public double Strength { get; init; } = 0.8;

    /// <summary>Whether the pictures are decoded by the pipeline's tiny decoder in place of the VAE's: drafts, a little softer.</summary>
    public bool Draft { get; init; }

    /// <summary>The options with what a model's folder says of them.</summary>
    public static GenerationOptions For(ModelDefaults model)
    {
        GenerationOptions original = new();
        return original with
        {
            GuidanceScale = model.GuidanceScale ?? original.GuidanceScale,
            GuidanceRescale = model.GuidanceRescale ?? original.GuidanceRescale,
            NumInferenceSteps = model.NumInferenceSteps ?? original.NumInferenceSteps,
        };
    }
}
