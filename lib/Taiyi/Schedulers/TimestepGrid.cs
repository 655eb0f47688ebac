namespace Taiyi.Schedulers;

/// <summary>
/// A few inference steps spread over the many training steps, from noisy to clean: table 2 of https://arxiv.org/abs/2305.08891, with the
/// arithmetic and rounding (half to even) that diffusers inherits from numpy.
/// </summary>
internal static class TimestepGrid
{
    /// <summary>Whole timesteps, for samplers that look up ᾱ_t: PNDM, DDIM, DDPM.</summary>
    public static double[] Whole(SchedulerConfig config, TimestepSpacing spacing, int steps) =>
        [.. Fractional(config, spacing, steps).Select(t => Math.Round(t))];

    /// <summary>Timesteps as they fall, for samplers that interpolate σ: Euler and its relatives.</summary>
    public static double[] Fractional(SchedulerConfig config, TimestepSpacing spacing, int steps)
    {
        int trained = config.NumTrainTimesteps;
        double[] timesteps = spacing switch
        {
            TimestepSpacing.Leading => Falling(steps, i => i * (trained / steps) + config.StepsOffset),
            // A single step of linspace sits on timestep 0, as numpy's does: use more steps, or trailing.
            TimestepSpacing.Linspace => Falling(steps, i => steps == 1 ? 0 : i * ((trained - 1.0) / (steps - 1))),
            _ => Trailing(trained, trained, steps),
        };
        return RequireOnSchedule(config, spacing, steps, timesteps);
    }

    /// <summary>
    /// Whole timesteps of DPM-Solver and its relatives: leading and linspace are laid out for one step more, and the one at the clean end, which
    /// the final level replaces, is dropped.
    /// </summary>
    /// <param name="config">T and the offset.</param>
    /// <param name="spacing">How they are placed.</param>
    /// <param name="steps">How many.</param>
    /// <param name="last">Timesteps are below it: T, or fewer where the noisiest are cut off (lambda_min_clipped).</param>
    public static double[] WholeWithFinal(SchedulerConfig config, TimestepSpacing spacing, int steps, int last)
    {
        double[] timesteps = spacing switch
        {
            TimestepSpacing.Leading => Falling(steps, i => (i + 1) * (last / (steps + 1)) + config.StepsOffset),
            TimestepSpacing.Linspace => Falling(steps, i => Math.Round((i + 1) * ((last - 1.0) / steps))),
            _ => Trailing(last, config.NumTrainTimesteps, steps),
        };
        return RequireOnSchedule(config, spacing, steps, timesteps);
    }

    /// <summary>Refuses a number of steps that the schedule cannot hold.</summary>
    public static void RequireStepCount(SchedulerConfig config, int numInferenceSteps)
    {
        if (numInferenceSteps < 1 || numInferenceSteps > config.NumTrainTimesteps)
        {
            throw new ArgumentOutOfRangeException(null,
                $"The number of inference steps is {numInferenceSteps}; it must be from 1 to {config.NumTrainTimesteps}, the timesteps that the network was trained on; 20 to 50 is usual.");
        }
    }

    private static double[] Falling(int steps, Func<int, double> rising) => [.. Enumerable.Range(0, steps).Select(i => rising(steps - 1 - i))];

    // Strides of T/n down from the last: fewer than n steps where the noisiest are cut off.
    private static double[] Trailing(int last, int trained, int steps)
    {
        double stride = (double)trained / steps;
        int count = last == trained ? steps : (int)Math.Ceiling(last / stride);
        return [.. Enumerable.Range(0, count).Select(i => Math.Round(last - i * stride) - 1)];
    }

    private static double[] RequireOnSchedule(SchedulerConfig config, TimestepSpacing spacing, int numInferenceSteps, double[] timesteps)
    {
        bool onSchedule = timesteps[0] < config.NumTrainTimesteps && timesteps.Zip(timesteps.Skip(1)).All(pair => pair.First > pair.Second);
        if (!onSchedule)
        {
            throw new ArgumentOutOfRangeException(null,
                $"{spacing} spacing with a steps offset of {config.StepsOffset} cannot place {numInferenceSteps} different steps "
                + $"on timesteps 0 … {config.NumTrainTimesteps - 1}: take fewer steps or another spacing.");
        }

        return timesteps;
    }
}
