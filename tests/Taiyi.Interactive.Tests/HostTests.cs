using Microsoft.DotNet.Interactive.Events;

namespace Taiyi.Interactive.Tests;

/// <summary>What notebooks need of .NET Interactive beyond plain cells: live displays, Stop, charts without a network.</summary>
[Collection("current directory")]
public sealed class HostTests : IDisposable
{
    private const string Setup = """
        #r "LIB/TorchSharp.dll"
        #r "LIB/Taiyi.dll"
        #r "LIB/Taiyi.Display.dll"
        #r "LIB/Plotly.NET.dll"
        using Taiyi;
        using Taiyi.Files;
        using Taiyi.Display;
        Notebook.Begin()
        """;

    private readonly InteractiveHost _host = new();

    public void Dispose() => _host.Dispose();

    [Fact]
    public async Task A_live_display_is_renewed_in_place()
    {
        await BeginAsync();
        CellRun cell = await _host.RunAsync(
            "var live = new LiveTraining(\"LoRA\", updatesPerSecond: 1e6);\nlive.Show();\nfor (int step = 1; step <= 3; step++) live.Report(new Taiyi.Training.TrainingProgress(step, 3, 0, 1.0 / step, 1e-3, 1, 0.5, 0, 0));", TestContext.Current.CancellationToken);
        Assert.Null(cell.Error);
        string shown = Assert.Single(cell.Html);
        Assert.Contains("step 3 of 3", shown, StringComparison.Ordinal);
        Assert.Equal(3, cell.Events.OfType<DisplayedValueUpdated>().Count());
    }

    [Fact]
    public async Task Stop_reaches_a_long_call_of_the_library_and_the_next_cell_runs()
    {
        await BeginAsync();
        await _host.RunAsync("int kept = 4;", TestContext.Current.CancellationToken);
        CellRun stopped = await _host.RunAndStopAsync(
            "Console.WriteLine(\"begun\");\nInterruption.Token.WaitHandle.WaitOne(TimeSpan.FromMinutes(10));\nInterruption.Token.ThrowIfCancellationRequested();", "begun");
        Assert.NotNull(stopped.Error);
        CellRun next = await _host.RunAsync("kept + 1", TestContext.Current.CancellationToken);
        Assert.Equal("5", next.Events.OfType<ReturnValueProduced>().Single().Value?.ToString());
    }

    [Fact]
    public async Task Every_kind_of_chart_stays_offline_whatever_another_formatter_says()
    {
        await BeginAsync();
        // What the extension of Plotly.NET.Interactive does when it loads.
        await _host.RunAsync("Microsoft.DotNet.Interactive.Formatting.Formatter.Register<Plotly.NET.GenericChart>((chart, writer) => writer.Write(\"cdn.plot.ly\"), \"text/html\");", TestContext.Current.CancellationToken);
        CellRun one = await _host.RunAsync("Charts.Bars([\"a\"], [1.0])", TestContext.Current.CancellationToken);
        CellRun several = await _host.RunAsync("Charts.Lines([(\"a\", new[] { 1.0, 2.0 }), (\"b\", new[] { 2.0, 1.0 })])", TestContext.Current.CancellationToken);
        foreach (CellRun chart in new[] { one, several })
        {
            Assert.Null(chart.Error);
            string html = Assert.Single(chart.Html);
            Assert.Contains("<svg", html, StringComparison.Ordinal);
            Assert.DoesNotContain("cdn.plot.ly", html, StringComparison.Ordinal);
        }
    }

    private async Task BeginAsync()
    {
        CellRun begun = await _host.RunAsync(Setup.Replace("LIB", Repository.Library, StringComparison.Ordinal), TestContext.Current.CancellationToken);
        Assert.True(begun.Error is null, begun.Error);
    }
}
