using System.Text.Json.Serialization;

namespace Taiyi.Schedulers;

/// <summary>
/// The settings of a noise schedule and its samplers: a model's <c>scheduler/scheduler_config.json</c>. What the first block says is
/// the model's and holds for every sampler; the rest belongs to the sampler that <see cref="ClassName"/> names.
/// </summary>
/// <remarks>
/// The defaults are those of Taiyi, whose old file is silent on several of them; a setting that is null has the sampler's own value. A
/// user's choice is <c>config with { … }</c>. <see cref="For"/> gives the settings for another sampler of the same model.
/// </remarks>
public sealed record SchedulerConfig
{
    /// <summary>Noise levels that the network was trained on.</summary>
    public int NumTrainTimesteps { get; init; } = 1000;

    /// <summary>β of the first training step, in (0, 1).</summary>
    public double BetaStart { get; init; } = 0.00085;

    /// <summary>β of the last training step, in (0, 1).</summary>
    public double BetaEnd { get; init; } = 0.012;

    /// <summary>How β grows between them.</summary>
    public BetaSchedule BetaSchedule { get; init; } = BetaSchedule.ScaledLinear;

    /// <summary>β of every training step, T values in (0, 1), in place of the three settings above; usually null.</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>Whether β is rescaled so that the last training step holds no signal (zero terminal SNR, https://arxiv.org/abs/2305.08891).</summary>
    public bool RescaleBetasZeroSnr { get; init; }

    /// <summary>What the network predicts.</summary>
    public PredictionType PredictionType { get; init; } = PredictionType.Epsilon;

    /// <summary>
    /// The sampler that the other settings belong to, by its class in diffusers, such as <c>PNDMScheduler</c>; null for settings that a
    /// program made, which hold for whichever sampler they are given to.
    /// </summary>
    public string? ClassName { get; init; }

    /// <summary>
    /// How inference steps are placed; null takes each sampler's own: leading for PNDM, DDIM and DDPM, linspace for the others (the
    /// defaults of diffusers). LCM, TCD and DPM-Solver in single steps know no other than theirs.
    /// </summary>
    public TimestepSpacing? TimestepSpacing { get; init; }

    /// <summary>Added to every timestep of leading spacing; 1 for Stable Diffusion, which so ends at timestep 1.</summary>
    public int StepsOffset { get; init; } = 1;

    /// <summary>Where the noise levels lie, of effect for the samplers that walk along them: all but PNDM, DDIM, DDPM, LCM and TCD.</summary>
    public SigmaSchedule Sigmas { get; init; }

    /// <summary>The least noise level of <see cref="Sigmas"/>; null takes that of the last timestep.</summary>
    public double? SigmaMin { get; init; }

    /// <summary>The largest noise level of <see cref="Sigmas"/>; null takes that of the first timestep.</summary>
    public double? SigmaMax { get; init; }

    /// <summary>The level that a run ends at, of Euler, DPM-Solver and UniPC; DEIS always ends at the least.</summary>
    public FinalSigmasType FinalSigmasType { get; init; }

    /// <summary>How Euler's levels follow from its timesteps.</summary>
    public InterpolationType InterpolationType { get; init; }

    /// <summary>What Euler tells the network.</summary>
    public TimestepType TimestepType { get; init; }

    /// <summary>Whether the last step of PNDM and DDIM ends at ᾱ = 1 (no noise at all) or at ᾱ_0, the least noise that was trained.</summary>
    public bool SetAlphaToOne { get; init; }

    /// <summary>Whether PNDM runs without its Runge-Kutta start, as Stable Diffusion does.</summary>
    public bool SkipPrkSteps { get; init; } = true;

    /// <summary>Whether the predicted x₀ is cut at ± <see cref="ClipSampleRange"/>; wrong for latents, which leave that range by nature.</summary>
    public bool ClipSample { get; init; }

    /// <summary>Where <see cref="ClipSample"/> cuts.</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>Whether the predicted x₀ is scaled into [-1, 1] by a percentile of its own (Imagen); made for pixels, not for latents.</summary>
    public bool Thresholding { get; init; }

    /// <summary>The percentile of <see cref="Thresholding"/>, 0 to 1.</summary>
    public double DynamicThresholdingRatio { get; init; } = 0.995;

    /// <summary>The largest value that <see cref="Thresholding"/> scales to 1.</summary>
    public double SampleMaxValue { get; init; } = 1;

    /// <summary>The variance of DDPM's noise; null is <see cref="VarianceType.FixedSmall"/>.</summary>
    public VarianceType? VarianceType { get; init; }

    /// <summary>Order of DPM-Solver, DEIS (1 to 3) and UniPC (1 to 4): predictions that a step looks at.</summary>
    public int SolverOrder { get; init; } = 2;

    /// <summary>The integral of a DPM-Solver; null is <see cref="AlgorithmType.DpmSolverPlusPlus"/>.</summary>
    public AlgorithmType? AlgorithmType { get; init; }

    /// <summary>How a solver of second order weighs; null is the sampler's own.</summary>
    public SolverType? SolverType { get; init; }

    /// <summary>Whether the last steps of a short run are of lower order; null is the sampler's own, false for single steps and true else.</summary>
    public bool? LowerOrderFinal { get; init; }

    /// <summary>Whether DPM-Solver's last step is of first order in long runs too.</summary>
    public bool EulerAtFinal { get; init; }

    /// <summary>The least λ that DPM-Solver's timesteps begin at; null for none.</summary>
    public double? LambdaMinClipped { get; init; }

    /// <summary>Whether UniPC integrates the predicted x₀ (as DPM-Solver++) or the predicted noise.</summary>
    public bool PredictX0 { get; init; } = true;

    /// <summary>Indices of the steps that UniPC does not correct.</summary>
    public IReadOnlyList<int> DisableCorrector { get; init; } = [];

    /// <summary>Steps of the schedule that LCM and TCD were distilled along, at least as many as a run's.</summary>
    public int OriginalInferenceSteps { get; init; } = 50;

    /// <summary>What LCM multiplies timesteps by in its boundary conditions.</summary>
    public double TimestepScaling { get; init; } = 10;

    /// <summary>
    /// η of DDIM and γ of TCD, the share of fresh noise in each step, 0 (none) to 1. In diffusers it is an argument of the call, not of
    /// the file, and its pipelines pass 0.
    /// </summary>
    public double Eta { get; init; }

    /// <summary>Settings of the file that no sampler here or in diffusers knows.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> UnknownSettings { get; init; } = [];

    /// <summary>Why the sampler that the file names cannot be had here, in one sentence; null if it can.</summary>
    [JsonIgnore]
    public string? Unsupported { get; init; }

    /// <summary>
    /// The settings for a sampler of this model: these if they are that sampler's or no sampler's, else what the model was trained with
    /// and that sampler's own for the rest. (diffusers' <c>from_config</c> hands on every setting of the same name, so that Euler made
    /// from PNDM's file walks leading timesteps, which tints pictures of few steps.)
    /// </summary>
    /// <param name="name">A name that <see cref="Scheduler.Create"/> knows.</param>
    /// <exception cref="ArgumentException">There is no such sampler.</exception>
    public SchedulerConfig For(string name)
    {
        SamplerName sampler = SamplerName.Parse(name);
        return sampler.Apply(ClassName is null || ClassName == sampler.Kind.ClassName ? this : ModelOnly() with { ClassName = sampler.Kind.ClassName });
    }

    /// <summary>Reads a <c>scheduler_config.json</c>. A field that it lacks keeps the default; fields of no effect here are passed over.</summary>
    /// <param name="path">The JSON file.</param>
    /// <remarks>
    /// The fields of a sampler that is not built in, or values of its that no sampler here can honour, are no reason to refuse the model:
    /// another sampler may be asked for by name. <see cref="Unsupported"/> holds the sentence that <see cref="Scheduler.FromConfig"/> throws.
    /// </remarks>
    /// <exception cref="Files.CheckpointException">The file is missing or no JSON object, or a field of the noise schedule has a value that cannot be honoured.</exception>
    public static SchedulerConfig FromFile(string path) => SchedulerConfigFile.Read(path);

    private SchedulerConfig ModelOnly() => new()
    {
        NumTrainTimesteps = NumTrainTimesteps,
        BetaStart = BetaStart,
        BetaEnd = BetaEnd,
        BetaSchedule = BetaSchedule,
        TrainedBetas = TrainedBetas,
        RescaleBetasZeroSnr = RescaleBetasZeroSnr,
        PredictionType = PredictionType,
    };
}
