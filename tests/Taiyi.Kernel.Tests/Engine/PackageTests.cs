using System.IO.Compression;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

/// <summary>Packages of .NET Interactive beside the functions of this kernel, and what packages bring for notebooks.</summary>
public sealed class PackageTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Theory]
    [InlineData("#r \"nuget: Plotly.NET.Interactive, 6.0.0\"\n1")]
    [InlineData("#r \"nuget: Microsoft.DotNet.Interactive, 1.0.0-beta.26120.1\"\n#r \"nuget: Microsoft.DotNet.Interactive.CSharp, 1.0.0-beta.26120.1\"\n#r \"nuget: Microsoft.DotNet.Interactive.PackageManagement, 1.0.0-beta.26120.1\"\n#r \"nuget: Microsoft.DotNet.Interactive.Documents, 1.0.0-beta.26120.1\"\n#r \"nuget: Microsoft.DotNet.Interactive.Formatting, 1.0.0-beta.26120.1\"\n1")]
    public async Task With_the_packages_of_NET_Interactive_every_later_cell_works_as_before(string first)
    {
        Assert.Equal("1", await _session.ValueOfAsync(first));
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
        await _session.ValueOfAsync("display(3);\nvar shown = 4.Display();\nshown.Update(5);");
        Assert.Equal(["3", "4", "5"], _session.Displays.Select(display => display.Data.PlainText));
        await _session.ValueOfAsync("using Microsoft.DotNet.Interactive;\nusing Microsoft.DotNet.Interactive.Formatting;\nKernel.display(Formatter.NullString);");
        Assert.Equal("<null>", Assert.Single(_session.Displays).Data.PlainText);
    }

    [Fact]
    public async Task A_chart_of_Plotly_is_shown_by_the_formatter_that_its_package_brings()
    {
        await _session.ValueOfAsync("#r \"nuget: Plotly.NET.Interactive, 6.0.0\"\n#r \"nuget: Plotly.NET.CSharp, 0.14.0\"");
        await _session.ValueOfAsync("Plotly.NET.CSharp.Chart.Line<double, double, string>(new[] { 1.0, 3.0 }, new[] { 2.0, 4.0 })");
        MimeBundle chart = Assert.Single(_session.Outputs.OfType<ResultOutput>()).Data;
        Assert.Contains("Plotly.newPlot", chart.Values["text/html"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_in_a_package_runs_once_when_the_package_is_named()
    {
        string feed = Path.Combine(_session.Folder, "feed");
        Pack(feed, "Taiyi.Test.Extension", "#!meta\n{\"kernelInfo\":{\"defaultKernelName\":\"csharp\"}}\n\n#!csharp\n\nvar fromExtension = 7;\nConsole.WriteLine(\"loaded\");\n");
        await _session.ValueOfAsync($"#i \"nuget: {feed}\"\n#r \"nuget: Taiyi.Test.Extension, 1.0.{Environment.ProcessId}\"");
        Assert.Equal("loaded\n", _session.Text());
        Assert.Equal("8", await _session.ValueOfAsync($"#r \"nuget: Taiyi.Test.Extension, 1.0.{Environment.ProcessId}\"\nfromExtension + 1"));
        Assert.Empty(_session.Text());
    }

    private static void Pack(string feed, string name, string script)
    {
        Directory.CreateDirectory(feed);
        using ZipArchive package = ZipFile.Open(Path.Combine(feed, $"{name}.1.0.{Environment.ProcessId}.nupkg"), ZipArchiveMode.Create);
        Write($"{name}.nuspec", $"<package><metadata><id>{name}</id><version>1.0.{Environment.ProcessId}</version><authors>test</authors><description>test</description></metadata></package>");
        Write("interactive-extensions/dotnet/extension.dib", script);

        void Write(string file, string text)
        {
            using StreamWriter writer = new(package.CreateEntry(file).Open());
            writer.Write(text);
        }
    }
}
