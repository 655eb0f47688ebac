namespace Taiyi.Schedulers;

/// <summary>
/// The samplers that look ᾱ_t up at whole timesteps, as DDPM's notation has it: PNDM, DDIM, DDPM, LCM, TCD. Their samples are
/// √ᾱ_t x₀ + √(1-ᾱ_t) ε.
/// </summary>
/// <param name="config">The model's settings and the sampler's.</param>
public abstract class TimestepScheduler(SchedulerConfig config) : Scheduler(config)
{
    /// <inheritdoc/>
    protected internal override SamplingPlan Plan(SamplingSteps steps) => PlanAt(steps, Timesteps(steps));

    /// <summary>The sampler's own timesteps for a number of steps.</summary>
    /// <param name="numInferenceSteps">How many.</param>
    protected virtual double[] Spaced(int numInferenceSteps) =>
        TimestepGrid.Whole(Config, Config.TimestepSpacing ?? TimestepSpacing.Leading, numInferenceSteps);

    /// <summary>The timesteps of a run, whichever way they were asked for.</summary>
    /// <exception cref="ArgumentException">Two of the steps fall on one timestep.</exception>
    private protected double[] Timesteps(SamplingSteps steps)
    {
        double[] timesteps = steps.Timesteps is { } given ? [.. given.Select(t => Math.Round(t))]
            : steps.Sigmas is { } sigmas ? [.. sigmas.Take(steps.Count).Select(sigma => Math.Round(NoiseSchedule.TimestepOf(sigma)))]
            : Spaced(steps.Count);
        return timesteps.Zip(timesteps.Skip(1)).All(pair => pair.First > pair.Second)
            ? timesteps
            : throw new ArgumentException($"This sampler knows whole timesteps alone, and two steps fall on one of {string.Join(", ", timesteps)}: give fewer steps.");
    }

    private protected SamplingPlan PlanAt(SamplingSteps steps, IReadOnlyList<double> timesteps) =>
        new([.. timesteps.Select(Level), new NoiseLevel(-1, 1, 0)], steps.Count)
        {
            Stride = steps.Timesteps is null && steps.Sigmas is null ? Config.NumTrainTimesteps / steps.Count : null,
        };

    /// <summary>ᾱ at a timestep; below 0, where the schedule ends, 1 or ᾱ_0 as <see cref="SchedulerConfig.SetAlphaToOne"/> says.</summary>
    private protected double AlphaCumprod(int timestep) => timestep >= 0 ? NoiseSchedule.AlphasCumprod[timestep]
        : Config.SetAlphaToOne ? 1 : NoiseSchedule.AlphasCumprod[0];

    private NoiseLevel Level(double timestep)
    {
        double alphaCumprod = NoiseSchedule.AlphasCumprod[(int)timestep];
        return new NoiseLevel(timestep, Math.Sqrt(alphaCumprod), Math.Sqrt(1 - alphaCumprod));
    }
}
