using System.Text.Json;
using System.Text.RegularExpressions;

namespace Taiyi.Cli.Tests;

/// <summary>The notebooks of the course: each runs, its claims hold, and what is stored in it is fit to be shown.</summary>
public sealed partial class CourseTests : IDisposable
{
    private const int MostBytes = 3_000_000;
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Notebooks => [.. Directory.GetFiles(Repository.PathTo("notebooks"), "*.ipynb").Select(f => Path.GetFileName(f)).Order()];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Notebooks))]
    [Trait("Category", "Slow")]
    public void A_notebook_runs_in_its_fast_mode_and_every_check_in_it_holds(string name)
    {
        string output = _folder.File(name);

        CommandResult result = CommandProcess.Run(
            Repository.Root,
            new Dictionary<string, string> { ["TAIYI_STRICT_CHECKS"] = "1" },
            ["notebook", "run", Repository.PathTo("notebooks/" + name), "--output", output, "--timeout", "1200", .. FastMode(name)]);

        Assert.True(result.ExitCode == 0, result.Error);
    }

    [Theory]
    [MemberData(nameof(Notebooks))]
    public void What_is_stored_is_small_and_names_no_machine(string name)
    {
        string text = File.ReadAllText(Repository.PathTo("notebooks/" + name));

        Assert.True(text.Length < MostBytes, $"{name} has {text.Length} characters, more than {MostBytes}.");
        Assert.DoesNotMatch(MachinePath(), text);
        Assert.DoesNotContain(Repository.Root, text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Notebooks))]
    public void Every_cell_has_an_id_of_its_own_and_every_code_cell_was_run(string name)
    {
        JsonElement notebook = Read(name);
        JsonElement[] cells = [.. notebook.GetProperty("cells").EnumerateArray()];

        Assert.Equal((4, 5), (notebook.GetProperty("nbformat").GetInt32(), notebook.GetProperty("nbformat_minor").GetInt32()));
        Assert.Equal(".net-csharp", notebook.GetProperty("metadata").GetProperty("kernelspec").GetProperty("name").GetString());
        Assert.Equal(cells.Length, cells.Select(c => c.GetProperty("id").GetString()).Distinct().Count());
        int[] counts = [.. cells.Where(IsCode).Select(c => c.GetProperty("execution_count").GetInt32())];
        Assert.Equal(Enumerable.Range(1, counts.Length), counts);
        Assert.DoesNotContain(cells.Where(IsCode).SelectMany(c => c.GetProperty("outputs").EnumerateArray()), o => o.GetProperty("output_type").GetString() == "error");
    }

    [Theory]
    [MemberData(nameof(Notebooks))]
    public void Code_cells_are_short(string name)
    {
        // Of code: the references and usings of the first cell are none.
        int[] lines = [.. Read(name).GetProperty("cells").EnumerateArray().Where(IsCode)
            .Select(c => c.GetProperty("source").EnumerateArray().Count(line => !line.GetString()!.StartsWith("#r ", StringComparison.Ordinal) && !line.GetString()!.StartsWith("using Taiyi", StringComparison.Ordinal)))
            .Order()];

        Assert.InRange(lines[^1], 1, 17);
        Assert.InRange(lines[lines.Length / 2], 1, 8);
    }

    [Theory]
    [MemberData(nameof(Notebooks))]
    public void No_code_is_wider_than_the_page(string name)
    {
        const int columns = 112;
        IEnumerable<string> code = Read(name).GetProperty("cells").EnumerateArray().Where(IsCode)
            .SelectMany(c => c.GetProperty("source").EnumerateArray().Select(line => line.GetString()!.TrimEnd('\n')))
            .Where(line => !line.StartsWith("#r ", StringComparison.Ordinal));

        // A Chinese character is two columns wide.
        Assert.All(code, line => Assert.True(line.Sum(letter => letter >= 0x2E80 ? 2 : 1) <= columns, line));
    }

    [Theory]
    [MemberData(nameof(Notebooks))]
    public void Every_notebook_has_the_head_and_the_sections_of_the_course(string name)
    {
        string[] texts = [.. Read(name).GetProperty("cells").EnumerateArray().Where(c => !IsCode(c))
            .Select(c => string.Concat(c.GetProperty("source").EnumerateArray().Select(line => line.GetString())))];

        Assert.All(["**要点**", "| time 时间 |", "| needs 需要 |", "| before 上一课 |", "| next 下一课 |"], part => Assert.Contains(part, texts[0], StringComparison.Ordinal));
        Assert.Contains(texts, text => text.Contains("<summary><b>Solutions 参考答案</b></summary>", StringComparison.Ordinal));
        IEnumerable<string> sections = texts.SelectMany(text => Section().Matches(text)).Select(match => match.Value)
            .Where(section => !section.StartsWith("## Exercises", StringComparison.Ordinal));
        Assert.All(sections, section => Assert.Contains("**要点**", section, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Notebooks))]
    public void Links_to_other_files_of_the_repository_lead_somewhere(string name)
    {
        IEnumerable<string> markdown = Read(name).GetProperty("cells").EnumerateArray().Where(c => !IsCode(c))
            .Select(c => string.Concat(c.GetProperty("source").EnumerateArray().Select(line => line.GetString())));

        foreach (Match link in markdown.SelectMany(text => Link().Matches(text)))
        {
            string target = link.Groups["target"].Value;
            Assert.True(
                target.StartsWith("http", StringComparison.Ordinal) || Path.Exists(Path.Combine(Repository.PathTo("notebooks"), Uri.UnescapeDataString(target))),
                $"{name} links to {target}, which is not there.");
        }
    }

    // A section and its text up to the next.
    [GeneratedRegex("^## .*?(?=^## |\\z)", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Section();

    /// <summary>Notebooks that take long have a parameter for it.</summary>
    private static string[] FastMode(string name) =>
        File.ReadAllText(Repository.PathTo("notebooks/" + name)).Contains("var fast = false;", StringComparison.Ordinal) ? ["--parameters", "fast=true"] : [];

    private static bool IsCode(JsonElement cell) => cell.GetProperty("cell_type").GetString() == "code";

    private static JsonElement Read(string name) => JsonDocument.Parse(File.ReadAllText(Repository.PathTo("notebooks/" + name))).RootElement;

    [GeneratedRegex(@"(/home/|/root/|/Users/|/work/|/tmp/|[A-Z]:\\\\)[A-Za-z]")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\]\((?<target>[^)#\s]+)[^)]*\)")]
    private static partial Regex Link();
}
