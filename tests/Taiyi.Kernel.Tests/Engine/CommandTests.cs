using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class CommandTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public async Task Csharp_and_markdown_are_accepted_and_keep_line_numbers()
    {
        await _session.RunAsync("#!csharp\nint a = 1;\n#!markdown\n# It's a title\ntext\n#!csharp\nthrow new Exception($\"{a}\");", TestContext.Current.CancellationToken);
        DisplayOutput markdown = Assert.Single(_session.Displays);
        Assert.Equal("# It's a title\ntext", markdown.Data.Values["text/markdown"]);
        Assert.Equal(["System.Exception: 1", "   at Cell 1, line 7"], _session.Error!.Traceback);
    }

    [Theory]
    [InlineData("#!fsharp\nlet a = 1", "#!fsharp: this kernel runs C# and markdown only; write the cell in C#.")]
    [InlineData("int a = 1;\n#!pwsh\nls", "#!pwsh: this kernel runs C# and markdown only; write the cell in C#.")]
    [InlineData("#!wizard", "#!wizard: no such command; the commands are #!csharp, #!markdown, #!time, #!set, #!who, #!whos, #!lsmagic.")]
    [InlineData("#!share --from fsharp a", "#!share: this kernel has no other language to share a value with; a variable of an earlier cell is there without it.")]
    [InlineData("int a = 1;\n#!set --name b --value @fsharp:a", "#!set: the value @fsharp is of another kernel, and this one runs alone; write #!set --name NAME --value TEXT, or --value @input:\"question\".")]
    [InlineData("#!set --name 1b --value x", "#!set: '1b' is no name of a C# variable; write #!set --name NAME --value TEXT, or --value @input:\"question\".")]
    [InlineData("#!set b", "#!set: write #!set --name NAME --value TEXT, or --value @input:\"question\".")]
    public async Task Other_languages_and_unknown_commands_are_refused_in_a_sentence_before_anything_runs(string code, string message)
    {
        CellResult result = await _session.RunAsync(code, TestContext.Current.CancellationToken);
        Assert.Equal(CellStatus.Failed, result.Status);
        Assert.Equal(message, Assert.IsType<ErrorOutput>(Assert.Single(_session.Outputs)).Value);
    }

    [Fact]
    public async Task Commands_within_strings_and_comments_are_text()
    {
        Assert.Equal("#!fsharp", (await _session.ValueOfAsync("/*\n#!pwsh\n#r \"nothing.dll\"\n*/\n\"\"\"\n#!fsharp\n\"\"\""))!.Trim());
    }

    [Fact]
    public async Task The_variables_of_all_cells_are_listed_with_the_last_of_each_name()
    {
        await _session.ValueOfAsync("int count = 3;\nstring name = \"狮子\";\nint Twice(int n) => 2 * n;\nclass Broken { public override string ToString() => throw new Exception(); }");
        await _session.ValueOfAsync("var count = new List<int> { 1, 2 };\n#!who");
        Assert.Equal("count\nname", Assert.Single(_session.Displays).Data.PlainText);
        await _session.ValueOfAsync("#!whos");
        MimeBundle table = Assert.Single(_session.Displays).Data;
        Assert.Matches(@"^count  System.Collections.Generic.List<System.Int32>  .*1, 2.*\nname  System.String  狮子$", table.PlainText);
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(table.Values["text/html"], "<tr><td"));
    }

    [Fact]
    public async Task The_commands_are_listed_with_what_they_do()
    {
        await _session.ValueOfAsync("#!lsmagic");
        string[] lines = Assert.Single(_session.Displays).Data.PlainText.Split('\n');
        Assert.Contains("#!time  shows how long the cell ran", lines);
        Assert.All(lines, line => Assert.Matches(@"^#(!\w+|r|i|load)  \w", line));
    }

    [Fact]
    public async Task Set_makes_a_variable_of_a_text_where_the_line_stands()
    {
        Assert.Equal("Berlin 2", await _session.ValueOfAsync("var n = 2;\n#!set --name city --value \"Berlin\"\n$\"{city} {n}\""));
        Assert.Equal("#!set --name a --value b", await _session.ValueOfAsync("\"#!set --name a --value b\""));
    }

    [Fact]
    public async Task Time_shows_the_wall_time()
    {
        Assert.Equal("3", await _session.ValueOfAsync("#!time\n1 + 2"));
        Assert.Matches(@"^Wall time: \d+\.\d ms$", Assert.Single(_session.Displays).Data.PlainText);
    }

    [Theory]
    [InlineData("")]
    [InlineData("// only a comment")]
    [InlineData("using System.Globalization;")]
    public async Task A_cell_with_nothing_to_run_succeeds(string code)
    {
        Assert.Null(await _session.ValueOfAsync(code));
        Assert.Empty(_session.Outputs);
    }

    [Fact]
    public async Task A_using_lasts_for_later_cells()
    {
        await _session.ValueOfAsync("using System.Globalization;");
        Assert.Equal("True", await _session.ValueOfAsync("CultureInfo.InvariantCulture != null"));
    }

    [Fact]
    public async Task Load_runs_a_file_of_the_notebooks_folder_and_names_it_in_errors()
    {
        _session.Write("tools.csx", "int Triple(int n)\n{\n    if (n < 0) throw new ArgumentOutOfRangeException(nameof(n));\n    return 3 * n;\n}");
        Assert.Equal("6", await _session.ValueOfAsync("#load \"tools.csx\"\nTriple(2)"));
        await _session.RunAsync("Triple(-1)", TestContext.Current.CancellationToken);
        Assert.Equal("   at Triple(Int32 n) in tools.csx, line 3", _session.Error!.Traceback[1]);
    }

    [Fact]
    public async Task A_thousand_cells_stay_small()
    {
        await _session.ValueOfAsync("var n0 = 0;");
        for (int i = 1; i <= 1000; i++)
        {
            await _session.ValueOfAsync($"var n{i} = n{i - 1} + 1;");
        }

        Assert.Equal("1000", await _session.ValueOfAsync("n1000"));
        long megabytes = GC.GetTotalMemory(forceFullCollection: true) >> 20;
        Assert.InRange(megabytes, 0, 400);
    }
}
