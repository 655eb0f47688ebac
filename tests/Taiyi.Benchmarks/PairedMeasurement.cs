using System.Diagnostics;

namespace Taiyi.Benchmarks;

/// <summary>What one call costs.</summary>
/// <param name="Seconds">Wall-clock time.</param>
/// <param name="CpuSeconds">Time of all threads together: what other programs on the machine change least.</param>
/// <param name="PeakGiB">The most that it added to the memory that was resident before it.</param>
internal sealed record CallCost(double Seconds, double CpuSeconds, double PeakGiB);

/// <summary>Two actions measured in turn, so that a machine whose speed drifts slows both alike.</summary>
/// <param name="Ours">Medians of the action that is judged.</param>
/// <param name="Theirs">Medians of what it is compared with, or null.</param>
/// <param name="Ratio">Median of ours / theirs in wall-clock time, pair by pair, or null.</param>
/// <param name="CpuRatio">The same of CPU time.</param>
internal sealed record PairedMeasurement(CallCost Ours, CallCost? Theirs, double? Ratio, double? CpuRatio)
{
    /// <summary>Runs A, B, A, B …</summary>
    /// <param name="ours">The action that is judged.</param>
    /// <param name="theirs">What it is compared with; null measures the first alone.</param>
    /// <param name="rounds">Counted pairs.</param>
    /// <param name="warmups">Pairs that are not counted: TorchScript profiles its graph during the first two.</param>
    public static PairedMeasurement Of(Action ours, Action? theirs, int rounds, int warmups = 2)
    {
        List<CallCost> a = [], b = [];
        for (int i = -warmups; i < rounds; i++)
        {
            CallCost first = Measure(ours);
            CallCost? second = theirs is null ? null : Measure(theirs);
            if (i >= 0)
            {
                a.Add(first);
                b.AddRange(second is null ? [] : [second]);
            }
        }

        return theirs is null
            ? new PairedMeasurement(Medians(a), null, null, null)
            : new PairedMeasurement(
                Medians(a), Medians(b), Median(a.Zip(b, (x, y) => x.Seconds / y.Seconds)), Median(a.Zip(b, (x, y) => x.CpuSeconds / y.CpuSeconds)));
    }

    private static CallCost Measure(Action action)
    {
        ProcessMemory.ResetPeak();
        double before = ProcessMemory.Resident;
        TimeSpan cpu = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        action();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        CallCost cost = new(seconds, (Environment.CpuUsage.TotalTime - cpu).TotalSeconds, ProcessMemory.Peak - before);
        Console.Error.WriteLine($"{cost.Seconds:0.0} s, {cost.CpuSeconds:0.0} CPU s, {before:0.00} + {cost.PeakGiB:0.00} GiB"); // a table can take an hour
        return cost;
    }

    private static CallCost Medians(List<CallCost> costs) =>
        new(Median(costs.Select(c => c.Seconds)), Median(costs.Select(c => c.CpuSeconds)), Median(costs.Select(c => c.PeakGiB)));

    /// <summary>The middle one, or the mean of the two in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
