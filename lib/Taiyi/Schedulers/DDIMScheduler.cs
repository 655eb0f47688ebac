using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Denoising diffusion implicit models: the deterministic walk for η = 0, as random as DDPM for η = 1.
/// https://arxiv.org/abs/2010.02502.
/// </summary>
/// <param name="config">The model's settings.</param>
/// <param name="eta">η, the share of fresh noise in each step, 0 … 1.</param>
public sealed class DDIMScheduler(SchedulerConfig config, double eta = 0) : IScheduler
{
    private readonly StepSequence _steps = new();
    private int _stride;

    /// <inheritdoc/>
    public SchedulerConfig Config { get; } = config;

    /// <inheritdoc/>
    public NoiseSchedule NoiseSchedule { get; } = new(config);

    /// <summary>η, the share of fresh noise in each step: 0 adds none, 1 as much as DDPM.</summary>
    public double Eta { get; } = eta is >= 0 and <= 1
        ? eta
        : throw new ArgumentOutOfRangeException(nameof(eta), eta, "η is from 0 (deterministic) to 1 (as DDPM).");

    /// <inheritdoc/>
    public IReadOnlyList<double> Timesteps => _steps.Timesteps;

    /// <inheritdoc/>
    public double InitNoiseSigma => 1;

    /// <inheritdoc/>
    public void SetTimesteps(int numInferenceSteps, double strength = 1.0)
    {
        double[] timesteps = TimestepGrid.Whole(Config, Config.TimestepSpacing ?? TimestepSpacing.Leading, numInferenceSteps);
        _steps.Start(timesteps, numInferenceSteps, strength);
        _stride = Config.NumTrainTimesteps / numInferenceSteps;
    }

    /// <inheritdoc/>
    public Tensor ScaleModelInput(Tensor sample, double timestep)
    {
        _steps.Coming(timestep);
        return sample.alias();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Notation (name → DDIM paper, which writes α for ᾱ): modelOutput → ε_θ(x_t), predOriginalSample → f_θ(x_t) or "predicted x₀",
    /// standardDeviation → σ_t(η), direction → "direction pointing to x_t", prevSample → x_{t-1}.
    /// </remarks>
    public SchedulerOutput Step(Tensor modelOutput, double timestep, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null)
    {
        _steps.Coming(timestep);
        using var scope = NewDisposeScope();
        Tensor x = sample.to(float32), output = modelOutput.to(float32);

        // 1. ᾱ at this step and the next; the stride is whole and fixed, as in diffusers, whatever the spacing
        int previousTimestep = (int)timestep - _stride;
        double alphaCumprod = NoiseSchedule.AlphasCumprod[(int)timestep];
        double alphaCumprodPrev = previousTimestep >= 0 ? NoiseSchedule.AlphasCumprod[previousTimestep]
            : Config.SetAlphaToOne ? 1 : NoiseSchedule.AlphasCumprod[0];

        // 2. "predicted x₀" of eq. (12), and the noise that goes with it
        double alpha = Math.Sqrt(alphaCumprod), sigma = Math.Sqrt(1 - alphaCumprod);
        Tensor predOriginalSample = Prediction.OriginalSample(Config.PredictionType, output, x, alpha, sigma);
        Tensor predEpsilon = Prediction.Epsilon(Config.PredictionType, output, x, alpha, sigma);

        // 3. σ_t(η), eq. (16)
        double variance = (1 - alphaCumprodPrev) / (1 - alphaCumprod) * (1 - alphaCumprod / alphaCumprodPrev);
        double standardDeviation = Eta * Math.Sqrt(variance);

        // 4. "direction pointing to x_t" and x_{t-1}, eq. (12)
        Tensor direction = Math.Sqrt(1 - alphaCumprodPrev - standardDeviation * standardDeviation) * predEpsilon;
        Tensor prevSample = Math.Sqrt(alphaCumprodPrev) * predOriginalSample + direction;
        if (standardDeviation > 0)
        {
            prevSample = prevSample + standardDeviation * PictureNoise.ForStep(sample, generators, noise);
        }

        _steps.Advance();
        return new SchedulerOutput(prevSample.to(sample.dtype).MoveToOuterDisposeScope(), predOriginalSample.to(sample.dtype).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public Tensor AddNoise(Tensor originalSamples, Tensor noise, double timestep)
    {
        _steps.IndexOf(timestep);
        return NoiseSchedule.AddNoise(originalSamples, noise, (int)timestep);
    }

    /// <summary>Nothing to free: the next step needs only the sample.</summary>
    public void Dispose()
    {
    }
}
