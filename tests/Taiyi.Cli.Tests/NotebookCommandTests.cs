using System.Text.Json;

namespace Taiyi.Cli.Tests;

public sealed class NotebookCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_notebook_that_runs_exits_with_0_and_is_written_with_its_outputs()
    {
        CommandResult result = Run("displays.ipynb", "--output", _folder.File("done.ipynb"));

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("succeeded", result.Error, StringComparison.Ordinal);
        JsonElement notebook = JsonDocument.Parse(File.ReadAllText(_folder.File("done.ipynb"))).RootElement;
        Assert.Contains(
            notebook.GetProperty("cells").EnumerateArray(),
            cell => cell.TryGetProperty("outputs", out JsonElement outputs) && outputs.GetArrayLength() > 0);
    }

    [Fact]
    public void A_cell_that_fails_exits_with_2_and_names_the_cell()
    {
        CommandResult result = Run("fails.ipynb", "--output", _folder.File("done.ipynb"));

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("fails.ipynb", result.Error, StringComparison.Ordinal);
        Assert.Contains("Cell ", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cell_that_ends_the_process_exits_with_2_and_a_sentence_and_what_is_done_is_kept()
    {
        CommandResult result = Run("exits.ipynb", "--output", _folder.File("done.ipynb"));

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("Cell 2", result.Error, StringComparison.Ordinal);
        Assert.Contains("Environment.Exit", result.Error, StringComparison.Ordinal);
        JsonElement[] cells = [.. JsonDocument.Parse(File.ReadAllText(_folder.File("done.ipynb"))).RootElement.GetProperty("cells").EnumerateArray()];
        Assert.Equal("first\n", cells[0].GetProperty("outputs")[0].GetProperty("text")[0].GetString());
        Assert.Contains("Environment.Exit", cells[1].GetProperty("outputs")[0].GetProperty("evalue").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, cells[2].GetProperty("outputs").GetArrayLength());
    }

    [Fact]
    public void Json_tells_the_status_and_seconds_of_every_cell()
    {
        CommandResult result = Run("fails.ipynb", "--output", _folder.File("done.ipynb"), "--allow-errors", "--json");

        Assert.Equal(0, result.ExitCode);
        JsonElement cells = JsonDocument.Parse(result.Output).RootElement[0].GetProperty("cells");
        Assert.Contains("failed", cells.EnumerateArray().Select(cell => cell.GetProperty("status").GetString()));
        Assert.All(cells.EnumerateArray(), cell => Assert.True(cell.GetProperty("seconds").GetDouble() >= 0));
    }

    [Fact]
    public void A_parameter_without_a_value_is_refused() =>
        Run("parameters.ipynb", "--parameters", "steps", "--output", _folder.File("done.ipynb")).AssertFailsWith("steps", "NAME=VALUE");

    [Fact]
    public void A_path_without_notebooks_is_named() =>
        CommandProcess.Run(_folder.Path, "notebook", "run", _folder.Path).AssertFailsWith(_folder.Path, ".ipynb");

    private CommandResult Run(string fixture, params string[] options)
    {
        string copy = _folder.File(fixture);
        File.Copy(Repository.PathTo("tests/Taiyi.Kernel.Tests/Fixtures/" + fixture), copy);
        return CommandProcess.Run(_folder.Path, ["notebook", "run", copy, .. options]);
    }
}
