using System.Text.Json;
using System.Text.Json.Nodes;
using Taiyi.Kernel.Notebooks;

namespace Taiyi.Kernel.Tests.Jupyter;

/// <summary>Whole notebooks run through the installed kernel by nbclient, which is what nbconvert --execute does.</summary>
[Collection("current directory")]
public sealed class NbclientTests(InstalledKernel kernel) : IClassFixture<InstalledKernel>
{
    [Theory]
    [InlineData("displays")]
    [InlineData("polyglot")]
    [InlineData("old-form")]
    [InlineData("fails")]
    public async Task Outputs_equal_those_of_the_headless_runner(string name)
    {
        string fixture = Repository.PathTo($"tests/Taiyi.Kernel.Tests/Fixtures/{name}.ipynb");
        string byRunner = kernel.PathTo(name + ".runner.ipynb"), byClient = kernel.PathTo(name + ".client.ipynb");
        await new NotebookRunner(new NotebookRunOptions { Output = byRunner }).RunAsync(fixture, cancellationToken: TestContext.Current.CancellationToken);
        kernel.RunClient("notebook", fixture, byClient);

        (string[] expected, string[] actual) = (Outputs(byRunner), Outputs(byClient));
        Assert.Contains(expected, outputs => outputs != "[]");
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void A_display_that_is_updated_a_hundred_times_ends_as_one_output()
    {
        (JsonArray cells, JsonNode? error) = Run("updates", "var shown = display(0); for (int i = 1; i <= 100; i++) shown.Update(i);");

        Assert.Null(error);
        JsonNode output = Assert.Single(cells[0]!["outputs"]!.AsArray())!;
        Assert.Equal("display_data", (string?)output["output_type"]);
        Assert.Equal("100", Text(output["data"]!["text/plain"]));
    }

    [Fact]
    public void An_update_from_a_later_cell_replaces_the_output_of_the_earlier_one()
    {
        (JsonArray cells, JsonNode? error) = Run("later", "var shown = display(\"before\");", "shown.Update(\"after\");");

        Assert.Null(error);
        Assert.Equal("after", Text(cells[0]!["outputs"]![0]!["data"]!["text/plain"]));
        Assert.Empty(cells[1]!["outputs"]!.AsArray());
    }

    [Fact]
    public void A_failing_notebook_stops_at_the_right_cell()
    {
        (JsonArray cells, JsonNode? error) = Run("fails", "1 + 1", "int[] none = [];\nnone[3]", "2 + 2");

        Assert.Equal("CellExecutionError", (string?)error!["type"]);
        Assert.Contains("none[3]", (string?)error["text"]);
        Assert.Equal(["execute_result"], OutputTypes(cells[0]!));
        Assert.Equal(["error"], OutputTypes(cells[1]!));
        Assert.Contains("IndexOutOfRange", (string?)cells[1]!["outputs"]![0]!["ename"]);
        Assert.Empty(OutputTypes(cells[2]!));
    }

    [Fact]
    public void A_kernel_that_dies_in_a_cell_is_reported_and_does_not_hang()
    {
        (_, JsonNode? error) = Run("dies", "1 + 1", "System.Diagnostics.Process.GetCurrentProcess().Kill();");

        Assert.Equal("DeadKernelError", (string?)error!["type"]);
    }

    [Fact]
    public void Console_ReadLine_fails_with_a_sentence_where_nobody_can_answer()
    {
        (JsonArray cells, JsonNode? error) = Run("input", "var name = Console.ReadLine();");

        Assert.Equal("CellExecutionError", (string?)error!["type"]);
        Assert.Contains("StdinNotImplemented", (string?)cells[0]!["outputs"]![0]!["ename"]);
    }

    [Fact]
    public void Unicode_survives_in_code_output_and_results()
    {
        (JsonArray cells, JsonNode? error) = Run("unicode", "string 提示 = \"飞流直下三千尺 😀\"; Console.WriteLine(提示); 提示");

        Assert.Null(error);
        Assert.Equal("飞流直下三千尺 😀\n", Text(cells[0]!["outputs"]![0]!["text"]));
        Assert.Equal("飞流直下三千尺 😀", Text(cells[0]!["outputs"]![1]!["data"]!["text/plain"]));
    }

    private (JsonArray Cells, JsonNode? Error) Run(string name, params string[] cells)
    {
        string source = kernel.PathTo(name + ".ipynb"), target = kernel.PathTo(name + ".out.ipynb");
        File.WriteAllText(source, Notebook(cells).ToJsonString());
        JsonObject result = kernel.RunClient("notebook", source, target);
        Assert.True((bool?)result["valid"]);
        return (JsonNode.Parse(File.ReadAllText(target))!["cells"]!.AsArray(), result["error"]);
    }

    // The outputs of each code cell as canonical JSON: keys in order, texts in one piece.
    private static string[] Outputs(string file) =>
        [.. JsonNode.Parse(File.ReadAllText(file))!["cells"]!.AsArray()
            .Where(cell => (string?)cell!["cell_type"] == "code")
            .Select(cell => Canonical(cell!["outputs"])!.ToJsonString())];

    private static JsonNode? Canonical(JsonNode? node) => node switch
    {
        JsonObject fields => new JsonObject(fields.OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, Canonical(field.Value)))),
        JsonArray { Count: > 0 } texts when texts.All(text => text?.GetValueKind() == JsonValueKind.String) => string.Concat(texts.Select(text => (string?)text)),
        JsonArray items => new JsonArray([.. items.Select(Canonical)]),
        _ => node?.DeepClone(),
    };

    private static JsonObject Notebook(string[] cells) => new()
    {
        ["cells"] = new JsonArray([.. cells.Select((code, i) => new JsonObject
        {
            ["cell_type"] = "code",
            ["id"] = $"cell-{i}",
            ["execution_count"] = null,
            ["metadata"] = new JsonObject(),
            ["outputs"] = new JsonArray(),
            ["source"] = code,
        })]),
        ["metadata"] = new JsonObject
        {
            ["kernelspec"] = new JsonObject { ["display_name"] = ".NET (C#)", ["language"] = "C#", ["name"] = ".net-csharp" },
            ["language_info"] = new JsonObject { ["name"] = "C#" },
        },
        ["nbformat"] = 4,
        ["nbformat_minor"] = 5,
    };

    // nbformat writes a text as one string or as a list of lines.
    private static string Text(JsonNode? text) => text is JsonArray lines ? string.Concat(lines.Select(line => (string?)line)) : (string)text!;

    private static IEnumerable<string?> OutputTypes(JsonNode cell) => cell["outputs"]!.AsArray().Select(output => (string?)output!["output_type"]);
}
