using System.Text.Json.Nodes;
using Taiyi.Kernel.Engine;
using Taiyi.Kernel.Notebooks;

namespace Taiyi.Kernel.Tests.Notebooks;

// The current directory belongs to the process: these tests run one after the other.
[Collection("current directory")]
public sealed class NotebookRunnerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("taiyi-runner-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Outputs_and_execution_counts_are_stored_and_the_rest_of_the_file_stays()
    {
        string source = Copy("polyglot.ipynb");
        string before = NotebookDocument.Read(source).ToJson();
        NotebookResult result = await RunAsync(source, new NotebookRunOptions());
        Assert.True(result.Succeeded, result.Problem);
        NotebookDocument after = NotebookDocument.Read(source);
        Assert.Equal(JsonOf("[{\"name\":\"stdout\",\"output_type\":\"stream\",\"text\":[\"<b>&'\\\"</b> 你好 🎨\\n\"]}]"), after.Cells[1].Outputs.ToJsonString());
        Assert.Equal(JsonOf("[{\"data\":{\"text/plain\":[\"42\"]},\"execution_count\":2,\"metadata\":{},\"output_type\":\"execute_result\"}]"), after.Cells[2].Outputs.ToJsonString());
        Assert.Equal([null, 1, 2], after.Cells.Select(cell => cell.ExecutionCount));
        foreach (NotebookCell cell in after.Cells.Where(cell => cell.IsCode))
        {
            cell.Outputs.Clear();
            cell.ExecutionCount = null;
        }

        Assert.Equal(before, after.ToJson());
    }

    [Fact]
    public async Task A_second_run_gives_the_same_bytes()
    {
        string source = Copy("displays.ipynb");
        await RunAsync(source, new NotebookRunOptions());
        string first = File.ReadAllText(source);
        await RunAsync(source, new NotebookRunOptions());
        Assert.Equal(first, File.ReadAllText(source));
    }

    [Fact]
    public async Task Displays_streams_and_clearing_end_as_a_front_end_would_save_them()
    {
        string source = Copy("displays.ipynb");
        Assert.True((await RunAsync(source, new NotebookRunOptions())).Succeeded);
        NotebookDocument notebook = NotebookDocument.Read(source);
        JsonNode updated = Assert.Single(notebook.Cells[0].Outputs)!;
        Assert.Equal("display_data", (string?)updated["output_type"]);
        Assert.Equal("from a later cell", (string?)updated["data"]!["text/plain"]![0]);
        Assert.Equal(["stdout:ab", "stderr:c", "stdout:d\n", "execute_result"], notebook.Cells[1].Outputs.Select(Summary));
        Assert.Empty(notebook.Cells[2].Outputs);
        Assert.Equal(["stdout:replaced\n"], notebook.Cells[3].Outputs.Select(Summary));
        Assert.Equal(
            ["{\"application/json\":{\"a\":[1,2]}}", "{\"image/png\":\"iVBORw0KGgo=\"}", "{\"image/svg+xml\":[\"<svg/>\\n\"]}"],
            notebook.Cells[4].Outputs.Select(output => output!["data"]!.ToJsonString().Replace("\\u002B", "+", StringComparison.Ordinal).Replace("\\u003C", "<", StringComparison.Ordinal).Replace("\\u003E", ">", StringComparison.Ordinal)));
        Assert.Empty(notebook.Cells[5].Outputs);
    }

    [Fact]
    public async Task A_failing_cell_ends_the_run_and_is_stored_with_its_error()
    {
        string source = Copy("fails.ipynb");
        string output = Path.Combine(_folder.FullName, "out", "executed.ipynb");
        NotebookResult result = await RunAsync(source, new NotebookRunOptions { Output = output });
        Assert.False(result.Succeeded);
        Assert.Equal($"Cell 2 of '{source}': System.InvalidOperationException: kept is 2", result.Problem);
        Assert.Equal([CellStatus.Succeeded, CellStatus.Failed], result.Cells.Select(cell => cell.Status));
        NotebookDocument notebook = NotebookDocument.Read(output);
        Assert.Equal(
            JsonOf("[{\"ename\":\"System.InvalidOperationException\",\"evalue\":\"kept is 2\",\"output_type\":\"error\",\"traceback\":[\"System.InvalidOperationException: kept is 2\",\"   at Cell 2, line 2\"]}]"),
            notebook.Cells[1].Outputs.ToJsonString());
        Assert.Null(notebook.Cells[2].ExecutionCount);
        Assert.Empty(NotebookDocument.Read(source).Cells[1].Outputs);
    }

    [Fact]
    public async Task Half_an_emoji_in_an_output_swallows_nothing()
    {
        NotebookResult result = await RunAsync(Copy("half-emoji.ipynb"), new NotebookRunOptions());
        Assert.True(result.Succeeded, result.Problem);
        NotebookDocument notebook = NotebookDocument.Read(result.Output!);
        Assert.Equal("stdout:before \ufffd after\nnext line\n", Summary(notebook.Cells[1].Outputs[0]));
        Assert.Equal("一只狮子\ufffd…", (string?)notebook.Cells[2].Outputs[0]!["data"]!["text/plain"]![0]);
        Assert.Equal("三", (string?)notebook.Cells[3].Outputs[0]!["data"]!["text/plain"]![0]);
    }

    [Fact]
    public async Task A_cancelled_run_into_another_file_keeps_what_is_finished()
    {
        string source = Copy("slow.ipynb");
        string output = Path.Combine(_folder.FullName, "partial.ipynb");
        using CancellationTokenSource cancel = new();
        Immediate stop = new(progress =>
        {
            if (progress.Status is null)
            {
                cancel.Cancel();
            }
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new NotebookRunner(new NotebookRunOptions { Output = output }).RunAsync(source, stop, cancel.Token));
        Assert.Equal("The cell was interrupted.", (string?)NotebookDocument.Read(output).Cells[0].Outputs[^1]!["evalue"]);
    }

    [Fact]
    public async Task Allowed_errors_let_the_rest_run()
    {
        NotebookResult result = await RunAsync(Copy("fails.ipynb"), new NotebookRunOptions { AllowErrors = true });
        Assert.True(result.Succeeded);
        Assert.Null(result.Problem);
        Assert.Equal(3, result.Cells.Count);
        Assert.Equal("2", (string?)NotebookDocument.Read(result.Output!).Cells[2].Outputs[0]!["data"]!["text/plain"]![0]);
    }

    [Theory]
    [InlineData("other-language.ipynb", "cell 2 is in pwsh; only C# runs here")]
    [InlineData("python.ipynb", "cell 1 is in python; only C# runs here")]
    public async Task Other_languages_are_refused_before_anything_runs_or_is_written(string name, string message)
    {
        string source = Copy(name);
        string before = File.ReadAllText(source);
        NotebookResult result = await RunAsync(source, new NotebookRunOptions());
        Assert.False(result.Succeeded);
        Assert.Contains(message, result.Problem, StringComparison.Ordinal);
        Assert.Empty(result.Cells);
        Assert.Equal(before, File.ReadAllText(source));
    }

    [Fact]
    public async Task The_form_of_old_notebooks_runs()
    {
        NotebookResult result = await RunAsync(Copy("old-form.ipynb"), new NotebookRunOptions());
        Assert.True(result.Succeeded, result.Problem);
        Assert.Equal("fourtwo", (string?)NotebookDocument.Read(result.Output!).Cells[1].Outputs[0]!["data"]!["text/plain"]![0]);
    }

    [Fact]
    public async Task Parameters_are_read_by_the_type_of_their_variable_and_replace_those_of_an_earlier_run()
    {
        string source = Copy("parameters.ipynb");
        Assert.Equal("50 a cat 7.5 0.0001 False 1", await ParameterizedAsync(source, []));
        Dictionary<string, string> values = new() { ["steps"] = "-3", ["prompt"] = "say \"喵\"\\", ["scale"] = "1e1", ["rate"] = "0.5", ["fast"] = "True", ["sizes"] = "new[] { 1, 2 }" };
        Assert.Equal("-3 say \"喵\"\\ 10.0 0.5 True 2", await ParameterizedAsync(source, values));
        Assert.Equal("7 a cat 7.5 0.0001 False 1", await ParameterizedAsync(source, new() { ["steps"] = "7" }));
        NotebookDocument notebook = NotebookDocument.Read(source);
        Assert.Equal(3, notebook.Cells.Count);
        Assert.Equal(["injected-parameters"], notebook.Cells[1].Tags);
        Assert.Equal("steps = 7;", notebook.Cells[1].Source);
    }

    [Theory]
    [InlineData("parameters.ipynb", "stepz", "1", "has no parameter 'stepz'; it has steps, prompt, scale, rate, fast, sizes.")]
    [InlineData("parameters.ipynb", "steps", "many", "The parameter 'steps' is a whole number, not 'many'.")]
    [InlineData("parameters.ipynb", "fast", "2", "The parameter 'fast' is true or false, not '2'.")]
    [InlineData("parameters.ipynb", "scale", "x", "The parameter 'scale' is a number such as 0.5 or 1e-4, not 'x'.")]
    [InlineData("fails.ipynb", "steps", "1", "none of its cells has the tag 'parameters'")]
    public async Task Parameters_that_do_not_fit_are_refused_in_a_sentence(string name, string parameter, string value, string message)
    {
        NotebookResult result = await RunAsync(Copy(name), new NotebookRunOptions { Parameters = new Dictionary<string, string> { [parameter] = value } });
        Assert.False(result.Succeeded);
        Assert.Contains(message, result.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cell_beyond_its_time_is_stopped_and_says_so()
    {
        NotebookResult result = await RunAsync(Copy("slow.ipynb"), new NotebookRunOptions { CellTimeout = TimeSpan.FromSeconds(1.5) });
        Assert.False(result.Succeeded);
        Assert.Contains("The cell ran longer than 1.5 s.", result.Problem, StringComparison.Ordinal);
        Assert.Equal("System.TimeoutException", (string?)NotebookDocument.Read(result.Output!).Cells[0].Outputs[0]!["ename"]);
        Assert.Single(result.Cells);
    }

    [Fact]
    public async Task A_cancelled_run_leaves_the_file_as_it_was()
    {
        string source = Copy("slow.ipynb");
        string before = File.ReadAllText(source);
        using CancellationTokenSource cancel = new(TimeSpan.FromSeconds(1));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new NotebookRunner(new NotebookRunOptions()).RunAsync(source, cancellationToken: cancel.Token));
        Assert.Equal(before, File.ReadAllText(source));
    }

    [Fact]
    public async Task Paths_mean_the_notebook_s_folder_and_a_folder_runs_as_a_whole()
    {
        string current = Environment.CurrentDirectory;
        DirectoryInfo inner = _folder.CreateSubdirectory("books/inner");
        File.WriteAllText(Path.Combine(inner.FullName, "beside.txt"), "found");
        File.Copy(Path.Combine(Fixtures, "folder.ipynb"), Path.Combine(inner.FullName, "folder.ipynb"));
        File.Copy(Path.Combine(Fixtures, "fails.ipynb"), Path.Combine(_folder.FullName, "books", "a-fails.ipynb"));
        List<NotebookProgress> steps = [];
        IReadOnlyList<NotebookResult> results = await new NotebookRunner(new NotebookRunOptions { Output = Path.Combine(_folder.FullName, "out") })
            .RunAsync(Path.Combine(_folder.FullName, "books"), new Immediate(steps.Add), TestContext.Current.CancellationToken);
        Assert.Equal([false, true], results.Select(result => result.Succeeded));
        NotebookDocument executed = NotebookDocument.Read(Path.Combine(_folder.FullName, "out", "inner", "folder.ipynb"));
        Assert.Equal("found", (string?)executed.Cells[0].Outputs[0]!["data"]!["text/plain"]![0]);
        Assert.Equal("inner", (string?)executed.Cells[1].Outputs[0]!["data"]!["text/plain"]![0]);
        Assert.Equal(current, Environment.CurrentDirectory);
        Assert.Equal(["1/3", "1/3 Succeeded", "2/3", "2/3 Failed", "1/2", "1/2 Succeeded", "2/2", "2/2 Succeeded"], steps.Select(step => $"{step.Cell}/{step.CellCount} {step.Status}".Trim()));
        JsonObject json = results[0].ToJson();
        Assert.False((bool)json["succeeded"]!);
        Assert.Equal("failed", (string?)json["cells"]![1]!["status"]);
    }

    [Fact]
    public async Task A_path_without_notebooks_is_an_error()
    {
        NotebookRunner runner = new(new NotebookRunOptions());
        Assert.Contains("neither a notebook nor a folder", (await Assert.ThrowsAsync<NotebookException>(() => runner.RunAsync(Path.Combine(_folder.FullName, "none"), null, TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
        Assert.Contains("has no .ipynb file", (await Assert.ThrowsAsync<NotebookException>(() => runner.RunAsync(_folder.FullName, null, TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
    }

    private static string Fixtures => Repository.PathTo("tests/Taiyi.Kernel.Tests/Fixtures");

    private static string JsonOf(string json) => JsonNode.Parse(json)!.ToJsonString();

    private static string Summary(JsonNode? output) => (string?)output!["output_type"] == "stream"
        ? $"{output["name"]}:{string.Concat(output["text"]!.AsArray().Select(line => (string?)line))}"
        : (string)output["output_type"]!;

    private static async Task<NotebookResult> RunAsync(string path, NotebookRunOptions options) =>
        Assert.Single(await new NotebookRunner(options).RunAsync(path, cancellationToken: TestContext.Current.CancellationToken));

    private static async Task<string?> ParameterizedAsync(string path, Dictionary<string, string> values)
    {
        NotebookResult result = await RunAsync(path, new NotebookRunOptions { Parameters = values });
        Assert.True(result.Succeeded, result.Problem);
        return (string?)NotebookDocument.Read(path).Cells[^1].Outputs[0]!["data"]!["text/plain"]![0];
    }

    private string Copy(string name)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.Copy(Path.Combine(Fixtures, name), path);
        return path;
    }

    private sealed class Immediate(Action<NotebookProgress> report) : IProgress<NotebookProgress>
    {
        public void Report(NotebookProgress value) => report(value);
    }
}
