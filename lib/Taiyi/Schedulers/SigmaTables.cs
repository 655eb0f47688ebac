namespace Taiyi.Schedulers;

/// <summary>Noise levels placed between the largest and the smallest, whatever the sampler.</summary>
internal static class SigmaTables
{
    /// <summary>n levels from the largest to the smallest, decreasing.</summary>
    /// <param name="schedule">How they lie.</param>
    /// <param name="max">The first.</param>
    /// <param name="min">The last.</param>
    /// <param name="count">n.</param>
    public static double[] Between(SigmaSchedule schedule, double max, double min, int count) => schedule switch
    {
        SigmaSchedule.Karras => Ramp(count, Math.Pow(max, 1 / 7.0), Math.Pow(min, 1 / 7.0), root => Math.Pow(root, 7)), // EDM eq. (5), ρ = 7
        SigmaSchedule.Exponential or SigmaSchedule.Lu => Ramp(count, Math.Log(max), Math.Log(min), Math.Exp),
        SigmaSchedule.Beta => Ramp(count, 1, 0, q => min + BetaDistribution.Quantile(q, 0.6, 0.6) * (max - min)),     // α = β = 0.6 of the paper
        SigmaSchedule.AlignYourSteps => AlignYourSteps.Sigmas(count)[..count],
        _ => throw new ArgumentOutOfRangeException(null, $"The levels of {schedule} follow from the timesteps."),
    };

    private static double[] Ramp(int count, double first, double last, Func<double, double> level) =>
        [.. Enumerable.Range(0, count).Select(i => level(first + (count == 1 ? 0 : i / (count - 1.0)) * (last - first)))];
}
