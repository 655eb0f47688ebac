using System.Globalization;
using System.Text.Json.Nodes;

namespace Taiyi.Interactive.Tests;

/// <summary>The library as packages in a folder, asked for by a notebook of the user's own, far from the repository.</summary>
[Collection(Jupyter.OneAtATime)]
public sealed class PackageTests : IDisposable
{
    private static readonly string[] Projects = ["Taiyi.Cpu", "Taiyi", "Taiyi.Display"];

    // A version of its own, for what was restored once is not looked at again.
    private readonly string _version = string.Create(CultureInfo.InvariantCulture, $"0.0.0-test{Environment.ProcessId}");
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-packages-").FullName;

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        foreach (string package in Projects.Select(name => Path.Combine(restored, name.ToLowerInvariant(), _version)).Where(Directory.Exists))
        {
            Directory.Delete(package, recursive: true);
        }
    }

    [Theory]
    [InlineData("taiyi-csharp")]
    [InlineData(".net-csharp")]
    public void A_cell_draws_a_picture_and_a_chart_in_either_kernel(string kernel)
    {
        if (!File.Exists("/usr/bin/python3"))
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", "This test needs Debian's packages python3-nbclient and python3-ipykernel.");
            Assert.Skip("This test needs Debian's packages python3-nbclient and python3-ipykernel.");
        }

        foreach (string project in Projects)
        {
            Jupyter.Run("dotnet", "pack", $"lib/{project}", "-c", Configuration, "--no-build", "-o", Path.Combine(_folder, "packages"), $"-p:Version={_version}");
        }

        Jupyter.InstallKernels(_folder);
        string notebook = Path.Combine(_folder, "mine.ipynb");
        File.WriteAllText(notebook, Notebook(
            $"#i \"nuget: {Path.Combine(_folder, "packages")}\"",
            $"#r \"nuget: Taiyi.Display, {_version}\"",
            "using Taiyi.Display;\nNotebook.Begin();",
            "Images.Show(TorchSharp.torch.zeros(3, 16, 16))",
            "Charts.Bars([\"a\"], [1.0])").ToJsonString());
        Jupyter.Run("/usr/bin/python3", Path.Combine(Repository.Root, "tests", "Taiyi.Interactive.Tests", "run_course.py"), kernel, Path.Combine(_folder, "executed"), notebook);

        JsonArray cells = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "executed", "mine.ipynb")))!["cells"]!.AsArray();
        Assert.Contains("data:image/png;base64,", cells[3]!["outputs"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("plotly", cells[4]!["outputs"]!.ToJsonString(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("cdn.plot.ly", cells[4]!["outputs"]!.ToJsonString(), StringComparison.Ordinal);
    }

    private static string Configuration => AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar)[^2];

    private static JsonObject Notebook(params string[] cells) => new()
    {
        ["cells"] = new JsonArray([.. cells.Select((source, i) => new JsonObject
        {
            ["cell_type"] = "code",
            ["id"] = $"cell-{i}",
            ["execution_count"] = null,
            ["metadata"] = new JsonObject(),
            ["outputs"] = new JsonArray(),
            ["source"] = source,
        })]),
        ["metadata"] = new JsonObject(),
        ["nbformat"] = 4,
        ["nbformat_minor"] = 5,
    };
}
