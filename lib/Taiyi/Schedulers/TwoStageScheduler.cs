namespace Taiyi.Schedulers;

/// <summary>
/// Solvers of two stages, which call the network twice a step: once where the step begins, once further on, for a better slope. The last
/// step, to σ = 0, has one stage. n steps call the network 2n - 1 times.
/// </summary>
/// <param name="config">The model's settings and the sampler's.</param>
public abstract class TwoStageScheduler(SchedulerConfig config) : SigmaScheduler(config)
{
    /// <inheritdoc/>
    protected internal override int Memory => 1;

    /// <inheritdoc/>
    protected internal override SamplingPlan Plan(SamplingSteps steps)
    {
        SamplingPlan single = base.Plan(steps);
        List<NoiseLevel> levels = [];
        for (int i = 0; i < single.Calls; i++)
        {
            levels.Add(single.Levels[i]);
            if (single.Levels[i + 1].Sigma > 0)
            {
                levels.Add(Second(single.Levels[i], single.Levels[i + 1]));
            }
        }

        return single with { Levels = [.. levels, single.Levels[^1]], CallsPerStep = 2 };
    }

    /// <summary>Where the second stage calls the network.</summary>
    /// <param name="level">Where the step begins.</param>
    /// <param name="next">Where it ends.</param>
    private protected abstract NoiseLevel Second(NoiseLevel level, NoiseLevel next);

    /// <summary>Whether the present call is the second of its step.</summary>
    private protected static bool IsSecond(SchedulerStep step) => step.Index % 2 == 1;

    /// <summary>The first stage: Euler's step to where the second one calls.</summary>
    private protected static SchedulerOutput First(SchedulerStep step) =>
        step.To(step.Sample + (step.Next.Sigma - step.Level.Sigma) * step.Prediction);
}
