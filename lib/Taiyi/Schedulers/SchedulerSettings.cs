using System.Text.Json.Serialization;

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

    /// <summary>ᾱ falls as e^{-12 t/T}.</summary>
    Exp,

    /// <summary>log SNR follows a Laplace distribution, https://arxiv.org/abs/2407.03297.</summary>
    Laplace,

    /// <summary>β_t follows a logistic curve, as in GeoDiff, https://arxiv.org/abs/2203.02923.</summary>
    Sigmoid,
}

/// <summary>What the network was trained to predict from x_t.</summary>
public enum PredictionType
{
    /// <summary>The noise ε in x_t.</summary>
    Epsilon,

    /// <summary>The velocity v = √ᾱ_t ε - √(1-ᾱ_t) x₀ of https://arxiv.org/abs/2202.00512, appendix D.</summary>
    VPrediction,

    /// <summary>The noiseless sample x₀.</summary>
    Sample,
}

/// <summary>How a few inference steps are spread over the many training steps: table 2 of https://arxiv.org/abs/2305.08891.</summary>
public enum TimestepSpacing
{
    /// <summary>Multiples of a whole stride, counted from timestep 0 and shifted by <see cref="SchedulerConfig.StepsOffset"/>.</summary>
    Leading,

    /// <summary>Evenly from the first training step to the last, both included.</summary>
    Linspace,

    /// <summary>Multiples of the stride, counted from the last training step downward.</summary>
    Trailing,
}

/// <summary>Where a run's noise levels lie.</summary>
public enum SigmaSchedule
{
    /// <summary>At the timesteps that the spacing gives.</summary>
    Timesteps,

    /// <summary>Evenly in σ^{1/7}, denser at the clean end: EDM (https://arxiv.org/abs/2206.00364) eq. (5).</summary>
    Karras,

    /// <summary>Evenly in log σ.</summary>
    Exponential,

    /// <summary>Quantiles of the beta distribution B(0.6, 0.6), denser at both ends: https://arxiv.org/abs/2407.12173.</summary>
    Beta,

    /// <summary>Evenly in λ = -log σ, DPM-Solver's own (https://arxiv.org/abs/2206.00927); the network is told whole timesteps.</summary>
    Lu,

    /// <summary>Align Your Steps (https://arxiv.org/abs/2404.14507), found by search for Stable Diffusion 1.5 and few steps.</summary>
    AlignYourSteps,
}

/// <summary>Which integral a DPM-Solver solves, and whether it draws fresh noise.</summary>
public enum AlgorithmType
{
    /// <summary>DPM-Solver: the predicted noise ε is integrated. https://arxiv.org/abs/2206.00927.</summary>
    [JsonStringEnumMemberName("dpmsolver")]
    DpmSolver,

    /// <summary>DPM-Solver++: the predicted picture x₀ is integrated, which guidance asks for. https://arxiv.org/abs/2211.01095.</summary>
    [JsonStringEnumMemberName("dpmsolver++")]
    DpmSolverPlusPlus,

    /// <summary>DPM-Solver of the stochastic equation.</summary>
    [JsonStringEnumMemberName("sde-dpmsolver")]
    SdeDpmSolver,

    /// <summary>DPM-Solver++ of the stochastic equation.</summary>
    [JsonStringEnumMemberName("sde-dpmsolver++")]
    SdeDpmSolverPlusPlus,

    /// <summary>DEIS has one algorithm; other samplers take their own when a file says so, as in diffusers.</summary>
    [JsonStringEnumMemberName("deis")]
    Deis,
}

/// <summary>How a solver of second order weighs its two predictions. A sampler takes its own for a value that is another's, as in diffusers.</summary>
public enum SolverType
{
    /// <summary>DPM-Solver: the mean of the prediction over the step is taken at its middle.</summary>
    Midpoint,

    /// <summary>DPM-Solver: the weights are exact for a prediction that changes linearly.</summary>
    Heun,

    /// <summary>DEIS in log ρ, ρ = σ/α.</summary>
    Logrho,

    /// <summary>UniPC with B(h) = h.</summary>
    Bh1,

    /// <summary>UniPC with B(h) = e^h - 1.</summary>
    Bh2,
}

/// <summary>The noise level that a run ends at.</summary>
public enum FinalSigmasType
{
    /// <summary>Zero: no noise at all.</summary>
    Zero,

    /// <summary>The smallest that was trained.</summary>
    SigmaMin,
}

/// <summary>How Euler's noise levels follow from its timesteps.</summary>
public enum InterpolationType
{
    /// <summary>σ is interpolated between the timesteps that were trained.</summary>
    Linear,

    /// <summary>log σ runs evenly from the first trained level to the last, which the run ends at.</summary>
    LogLinear,
}

/// <summary>What a network is told of the noise level.</summary>
public enum TimestepType
{
    /// <summary>The timestep.</summary>
    Discrete,

    /// <summary>log(σ) / 4, as EDM's networks want it; of effect with v-prediction alone, as in diffusers.</summary>
    Continuous,
}

/// <summary>The variance of the noise that DDPM adds.</summary>
public enum VarianceType
{
    /// <summary>β̃_t of DDPM eq. (7), the posterior's.</summary>
    FixedSmall,

    /// <summary>The same; diffusers' name for the value that passed through a logarithm.</summary>
    FixedSmallLog,

    /// <summary>β_t, the upper bound.</summary>
    FixedLarge,

    /// <summary>The same. (In diffusers the logarithm itself is taken for the variance, and pictures are NaN.)</summary>
    FixedLargeLog,
}
