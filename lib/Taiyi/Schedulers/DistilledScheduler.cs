namespace Taiyi.Schedulers;

/// <summary>Samplers for networks that were distilled along a schedule of their own: LCM and TCD, which visit some of its timesteps.</summary>
/// <param name="config">The model's settings; <see cref="SchedulerConfig.OriginalInferenceSteps"/> is the schedule's length.</param>
public abstract class DistilledScheduler(SchedulerConfig config) : TimestepScheduler(config)
{
    /// <summary>
    /// The schedule of distillation is k-1, 2k-1, … T-1 with k = T / original steps; a run takes evenly spaced ones of it from the noisy end.
    /// </summary>
    /// <param name="numInferenceSteps">1 … original steps; 4 to 8 is usual.</param>
    protected override double[] Spaced(int numInferenceSteps)
    {
        int original = Config.OriginalInferenceSteps, stride = Config.NumTrainTimesteps / original;
        return numInferenceSteps <= original
            ? [.. Enumerable.Range(0, numInferenceSteps).Select(i => (original - (int)((long)i * original / numInferenceSteps)) * stride - 1.0)]
            : throw new ArgumentOutOfRangeException(null,
                $"The number of inference steps is {numInferenceSteps}; a distilled model takes at most the {original} steps of its own schedule (original_inference_steps); 4 to 8 is usual.");
    }
}
