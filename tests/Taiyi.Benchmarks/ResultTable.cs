using Spectre.Console;

namespace Taiyi.Benchmarks;

/// <summary>Rows of ours beside the reference, printed as the Markdown of README.md.</summary>
internal sealed class ResultTable(string title)
{
    private readonly Table _table = new Table().Border(TableBorder.Markdown).Title(title)
        .AddColumns("call", "ours, s", "reference, s", "ratio", "ours, CPU s", "reference, CPU s", "ratio", "ours, peak GiB", "reference, peak GiB", "ratio");

    /// <summary>Times two actions in turn and adds their row.</summary>
    /// <param name="call">What is timed.</param>
    /// <param name="ours">Our call.</param>
    /// <param name="theirs">The reference's call, or null.</param>
    /// <param name="rounds">Counted pairs.</param>
    /// <param name="warmups">Pairs that are not counted.</param>
    public void Measure(string call, Action ours, Action? theirs, int rounds, int warmups = 2)
    {
        PairedMeasurement pair = PairedMeasurement.Of(ours, theirs, rounds, warmups);
        string[] row =
        [
            call,
            $"{pair.Ours.Seconds:0.000}",
            $"{pair.Theirs?.Seconds:0.000}",
            $"{pair.Ratio:0.00}",
            $"{pair.Ours.CpuSeconds:0.000}",
            $"{pair.Theirs?.CpuSeconds:0.000}",
            $"{pair.CpuRatio:0.00}",
            $"{pair.Ours.PeakGiB:0.00}",
            $"{pair.Theirs?.PeakGiB:0.00}",
            $"{pair.Ours.PeakGiB / pair.Theirs?.PeakGiB:0.00}",
        ];
        _table.AddRow(row);
        Console.Error.WriteLine(string.Join(" | ", row)); // a full table takes minutes
    }

    public void Print() => AnsiConsole.Write(_table);
}
