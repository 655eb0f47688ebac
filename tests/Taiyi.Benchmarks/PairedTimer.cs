using System.Diagnostics;

namespace Taiyi.Benchmarks;

/// <summary>Times two actions in turn, so that a machine whose speed drifts slows both alike.</summary>
internal static class PairedTimer
{
    /// <summary>Runs A, B, A, B … and gives the median seconds of each and the median of the ratios pair by pair.</summary>
    /// <param name="ours">The action that is judged.</param>
    /// <param name="theirs">What it is compared with; null times the first alone.</param>
    /// <param name="rounds">Counted pairs.</param>
    /// <param name="warmups">Pairs that are not counted: TorchScript profiles its graph during the first two.</param>
    public static PairedTime Measure(Action ours, Action? theirs, int rounds, int warmups = 2)
    {
        List<double> a = [], b = [];
        for (int i = -warmups; i < rounds; i++)
        {
            double first = Seconds(ours);
            double second = theirs is null ? double.NaN : Seconds(theirs);
            if (i >= 0)
            {
                a.Add(first);
                b.Add(second);
            }
        }

        return new PairedTime(Median(a), theirs is null ? null : Median(b), theirs is null ? null : Median([.. a.Zip(b, (x, y) => x / y)]));
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <param name="Ours">Median seconds.</param>
/// <param name="Theirs">Median seconds of the other side, or null.</param>
/// <param name="Ratio">Median of ours / theirs, pair by pair, or null.</param>
internal sealed record PairedTime(double Ours, double? Theirs, double? Ratio);
