using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Ancestral sampling of the original diffusion model: the posterior mean plus fresh noise at every step, with the small variance
/// β̃_t. https://arxiv.org/abs/2006.11239, Algorithm 2.
/// </summary>
/// <param name="config">The model's settings.</param>
public sealed class DDPMScheduler(SchedulerConfig config) : IScheduler
{
    private readonly StepSequence _steps = new();
    private double[] _all = [];

    /// <inheritdoc/>
    public SchedulerConfig Config { get; } = config;

    /// <inheritdoc/>
    public NoiseSchedule NoiseSchedule { get; } = new(config);

    /// <inheritdoc/>
    public IReadOnlyList<double> Timesteps => _steps.Timesteps;

    /// <inheritdoc/>
    public double InitNoiseSigma => 1;

    /// <inheritdoc/>
    public void SetTimesteps(int numInferenceSteps, double strength = 1.0)
    {
        double[] timesteps = TimestepGrid.Whole(Config, Config.TimestepSpacing ?? TimestepSpacing.Leading, numInferenceSteps);
        _steps.Start(timesteps, numInferenceSteps, strength);
        _all = timesteps;
    }

    /// <inheritdoc/>
    public Tensor ScaleModelInput(Tensor sample, double timestep)
    {
        _steps.Coming(timestep);
        return sample.alias();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Notation (name → DDPM paper): modelOutput → ε_θ(x_t, t), predOriginalSample → x̂₀ of eq. (15), mean → μ̃_t, variance → β̃_t of
    /// eq. (7). With fewer steps than were trained, α_t and β_t are those of the whole leap to the next timestep of the run.
    /// </remarks>
    public SchedulerOutput Step(Tensor modelOutput, double timestep, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null)
    {
        int index = _steps.Coming(timestep);
        using var scope = NewDisposeScope();
        Tensor x = sample.to(float32), output = modelOutput.to(float32);
        int t = (int)timestep;
        int previousTimestep = index + 1 < _all.Length ? (int)_all[index + 1] : -1; // the last step goes to x₀ itself

        Tensor predOriginalSample = NoiseSchedule.PredictOriginalSample(output, x, t);
        Tensor prevSample = NoiseSchedule.PosteriorMean(predOriginalSample, x, t, previousTimestep);
        double variance = NoiseSchedule.PosteriorVariance(t, previousTimestep);
        if (variance > 0)
        {
            prevSample = prevSample + Math.Sqrt(variance) * PictureNoise.ForStep(sample, generators, noise); // z of Algorithm 2
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
