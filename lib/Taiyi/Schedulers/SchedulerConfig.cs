using System.Text.Json;
using Taiyi.Files;

namespace Taiyi.Schedulers;

/// <summary>How the noise added per training step grows.</summary>
public enum BetaSchedule
{
    /// <summary>β_t evenly spaced, as in DDPM.</summary>
    Linear,

    /// <summary>√β_t evenly spaced, as in latent diffusion and Stable Diffusion.</summary>
    ScaledLinear,

    /// <summary>The cosine schedule of Improved DDPM, https://arxiv.org/abs/2102.09672 eq. (17).</summary>
    SquaredcosCapV2,
}

/// <summary>What the network was trained to predict from x_t.</summary>
public enum PredictionType
{
    /// <summary>The noise ε in x_t.</summary>
    Epsilon,

    /// <summary>The velocity v = √ᾱ_t ε - √(1-ᾱ_t) x₀ of https://arxiv.org/abs/2202.00512, appendix D.</summary>
    VPrediction,
}

/// <summary>How few inference steps are laid over the many training steps: table 2 of https://arxiv.org/abs/2305.08891.</summary>
public enum TimestepSpacing
{
    /// <summary>Multiples of a whole stride, counted from timestep 0 and shifted by <see cref="SchedulerConfig.StepsOffset"/>.</summary>
    Leading,

    /// <summary>Evenly from the first training step to the last, both included.</summary>
    Linspace,

    /// <summary>Multiples of the stride, counted from the last training step downward.</summary>
    Trailing,
}

/// <summary>The settings of a noise schedule and its samplers: a model's <c>scheduler/scheduler_config.json</c>.</summary>
/// <remarks>The defaults are those of Taiyi, whose old file is silent on several of them.</remarks>
public sealed record SchedulerConfig
{
    // What other models may ask of diffusers' samplers and these here do not do: a picture made without it would be silently wrong.
    // PNDM runs without its Runge-Kutta start, and latents leave [-1, 1], so they are neither clipped nor thresholded.
    private const string OnlyValues = """
        {
          "trained_betas": null, "skip_prk_steps": true, "clip_sample": false, "thresholding": false, "rescale_betas_zero_snr": false,
          "solver_order": 2, "use_exponential_sigmas": false, "use_beta_sigmas": false, "use_lu_lambdas": false, "use_flow_sigmas": false
        }
        """;

    /// <summary>Noise levels that the network was trained on.</summary>
    public int NumTrainTimesteps { get; init; } = 1000;

    /// <summary>β of the first training step, in (0, 1).</summary>
    public double BetaStart { get; init; } = 0.00085;

    /// <summary>β of the last training step, in (0, 1).</summary>
    public double BetaEnd { get; init; } = 0.012;

    /// <summary>How β grows between them.</summary>
    public BetaSchedule BetaSchedule { get; init; } = BetaSchedule.ScaledLinear;

    /// <summary>What the network predicts.</summary>
    public PredictionType PredictionType { get; init; } = PredictionType.Epsilon;

    /// <summary>
    /// How inference steps are placed; null takes each sampler's own: linspace for Euler, Euler ancestral and DPM-Solver++,
    /// leading for PNDM, DDIM and DDPM (the defaults of diffusers). A user's choice is <c>config with { TimestepSpacing = … }</c>.
    /// </summary>
    public TimestepSpacing? TimestepSpacing { get; init; }

    /// <summary>Added to every timestep of leading spacing; 1 for Stable Diffusion, which so ends at timestep 1.</summary>
    public int StepsOffset { get; init; } = 1;

    /// <summary>
    /// Whether the last step of PNDM and DDIM ends at ᾱ = 1 (no noise at all) or at ᾱ_0, the least noise that was trained.
    /// </summary>
    public bool SetAlphaToOne { get; init; }

    /// <summary>Reads a <c>scheduler_config.json</c>. A field that it lacks keeps the default; fields of no effect here are passed over.</summary>
    /// <param name="path">The JSON file.</param>
    /// <exception cref="CheckpointException">The file is missing or no JSON object, or a field has a value that no sampler here can honour.</exception>
    public static SchedulerConfig FromFile(string path)
    {
        var file = ConfigFile.Open(path);
        file.Require(OnlyValues);
        file.RequireOneOf("variance_type", "fixed_small");     // DDPM takes the variance of its eq. (7), the network predicts none
        file.RequireOneOf("algorithm_type", "dpmsolver++");
        file.RequireOneOf("solver_type", "midpoint");
        file.RequireOneOf("final_sigmas_type", "zero");        // every run ends without noise
        file.RequireOneOf("interpolation_type", "linear");
        file.RequireOneOf("beta_schedule", NamesOf<BetaSchedule>());
        file.RequireOneOf("prediction_type", NamesOf<PredictionType>());
        file.RequireOneOf("timestep_spacing", NamesOf<TimestepSpacing>());

        SchedulerConfig config = file.Deserialize<SchedulerConfig>();
        file.Check("num_train_timesteps", config.NumTrainTimesteps > 0, "is at least 1");
        file.Check("beta_start", config.BetaStart is > 0 and < 1, "is between 0 and 1");
        file.Check("beta_end", config.BetaEnd is > 0 and < 1, "is between 0 and 1");
        file.Check("steps_offset", config.StepsOffset >= 0, "is at least 0");
        return config;
    }

    private static IEnumerable<string> NamesOf<T>()
        where T : struct, Enum => Enum.GetNames<T>().Select(JsonNamingPolicy.SnakeCaseLower.ConvertName);
}
