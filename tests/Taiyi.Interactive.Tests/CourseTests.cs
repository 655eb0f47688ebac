using System.Text.Json;

namespace Taiyi.Interactive.Tests;

/// <summary>The course in .NET Interactive's own kernel, in fast mode. Cells are run in the folder of the notebooks, as editors do.</summary>
[Collection("current directory")]
public sealed class CourseTests : IDisposable
{
    private static readonly string Folder = Path.Combine(Repository.Root, "notebooks");
    private readonly string _before = Environment.CurrentDirectory;

    public CourseTests()
    {
        Environment.CurrentDirectory = Folder;
        Environment.SetEnvironmentVariable("TAIYI_STRICT_CHECKS", "1");
    }

    public static TheoryData<string> Notebooks => [.. Directory.GetFiles(Folder, "*.ipynb").Select(file => Path.GetFileName(file)).Order()];

    public void Dispose() => Environment.CurrentDirectory = _before;

    // Only where it is asked for: .ci/run takes the course through the same kernel over Jupyter.
    [Theory(Explicit = true)]
    [MemberData(nameof(Notebooks))]
    [Trait("Category", "Slow")]
    public async Task A_notebook_runs_to_its_last_cell_without_a_warning(string name)
    {
        using InteractiveHost host = new();
        int number = 0;
        foreach (string code in Code(name))
        {
            CellRun cell = await host.RunAsync(code, TestContext.Current.CancellationToken);
            number++;
            Assert.True(cell.Error is null, $"{name}, cell {number}: {cell.Error}\n{code}");
            Assert.True(cell.Warnings.Length == 0, $"{name}, cell {number}: {cell.Warnings}");
            Assert.DoesNotContain(cell.Html, html => html.Contains("cdn.plot.ly", StringComparison.Ordinal) || html.Contains("waits for its first step", StringComparison.Ordinal));
        }

        Assert.True(number > 5, $"{name} has {number} cells of code.");
    }

    // The code cells in order, with fast mode set after the parameters.
    private static IEnumerable<string> Code(string name)
    {
        JsonElement notebook = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, name))).RootElement;
        foreach (JsonElement cell in notebook.GetProperty("cells").EnumerateArray().Where(cell => cell.GetProperty("cell_type").GetString() == "code"))
        {
            string source = string.Concat(cell.GetProperty("source").EnumerateArray().Select(line => line.GetString()));
            yield return source;
            if (source.Contains("var fast = false;", StringComparison.Ordinal))
            {
                yield return "fast = true;";
            }
        }
    }
}
