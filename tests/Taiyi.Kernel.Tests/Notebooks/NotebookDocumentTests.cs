using System.Text;
using Taiyi.Kernel.Notebooks;

namespace Taiyi.Kernel.Tests.Notebooks;

public sealed class NotebookDocumentTests
{
    private static readonly string Fixtures = Repository.PathTo("tests/Taiyi.Kernel.Tests/Fixtures");

    public static TheoryData<string> CurrentNotebooks =>
        [.. Directory.GetFiles(Fixtures, "*.ipynb").Select(path => Path.GetFileName(path)!).Where(name => name is not "polyglot.ipynb" and not "old-form.ipynb").Order()];

    [Theory]
    [MemberData(nameof(CurrentNotebooks))]
    public void A_notebook_as_Jupyter_writes_it_comes_back_byte_for_byte(string name)
    {
        string path = Path.Combine(Fixtures, name);
        Assert.Equal(File.ReadAllText(path), NotebookDocument.Read(path).ToJson());
    }

    [Fact]
    public void Control_characters_and_unknown_fields_are_kept_as_Jupyter_writes_them()
    {
        const string Json = "{\n \"zeta\": 1.50,\n \"cells\": [],\n \"metadata\": {\n  \"ansi\": \"\\u001b[31m\\b\\f\\t/ <&'+> \u007f 太乙 🎨\"\n },\n \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n";
        Assert.Equal(Json, NotebookDocument.Parse(Json).ToJson());
    }

    [Fact]
    public void Older_minor_versions_become_4_5_with_identifiers_that_stay_the_same_from_run_to_run()
    {
        NotebookDocument first = NotebookDocument.Read(Path.Combine(Fixtures, "old-form.ipynb"));
        NotebookDocument second = NotebookDocument.Read(Path.Combine(Fixtures, "old-form.ipynb"));
        Assert.All(first.Cells, cell => Assert.Matches("^[0-9a-f]{8}$", cell.Id));
        Assert.Equal(first.ToJson(), second.ToJson());
        Assert.Equal(2, first.Cells.Select(cell => cell.Id).Distinct().Count());
        Assert.Contains("\n   \"execution_count\": null,\n   \"id\": ", first.ToJson(), StringComparison.Ordinal);
        Assert.EndsWith(" \"nbformat\": 4,\n \"nbformat_minor\": 5\n}\n", first.ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void Writing_replaces_the_file_as_a_whole_and_without_a_byte_order_mark()
    {
        string folder = Directory.CreateTempSubdirectory("taiyi-notebook-").FullName;
        string path = Path.Combine(folder, "a.ipynb");
        File.WriteAllText(path, "old");
        NotebookDocument.Read(Path.Combine(Fixtures, "polyglot.ipynb")).Write(path);
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal((byte)'{', bytes[0]);
        Assert.Contains("太乙 🎨", Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
        Assert.Equal(["a.ipynb"], Directory.GetFiles(folder).Select(Path.GetFileName));
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("\\ud83d after", "\ufffd after")]
    [InlineData("before \\uDE00", "before \ufffd")]
    [InlineData("\\ud83d\\ud83d\\ude00", "\ufffd😀")]
    [InlineData("\\\\ud83d stays text", "\\ud83d stays text")]
    [InlineData("\\ud83d\\ude00 whole", "😀 whole")]
    public void Half_a_character_in_a_cell_becomes_the_replacement_character(string json, string source)
    {
        string notebook = "{\"cells\": [{\"cell_type\": \"code\", \"source\": \"" + json + "\"}], \"nbformat\": 4, \"nbformat_minor\": 5}";
        Assert.Equal(source, NotebookDocument.Parse(notebook).Cells[0].Source);
    }

    [Theory]
    [InlineData("script.dib", "#!csharp\n\n1+1")]
    [InlineData("renamed.ipynb", "#!meta\n\n{}\n\n#!csharp\n\n1+1")]
    public void A_script_of_Polyglot_Notebooks_is_named_as_what_it_is(string name, string text)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("taiyi-dib-").FullName, name);
        File.WriteAllText(path, text);
        string message = Assert.Throws<NotebookException>(() => NotebookDocument.Read(path)).Message;
        Assert.Contains(".dib", message, StringComparison.Ordinal);
        Assert.Contains("save it as .ipynb", message, StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Theory]
    [InlineData("not json", "is not JSON")]
    [InlineData("{\"cells\": [", "is not JSON")]
    [InlineData("[]", "has no list of cells")]
    [InlineData("{\"worksheets\": [], \"nbformat\": 3}", "has no list of cells")]
    [InlineData("{\"cells\": [1], \"nbformat\": 4}", "has no list of cells")]
    [InlineData("{\"cells\": [], \"nbformat\": 5}", "has nbformat 5; 4 is needed")]
    [InlineData("{\"cells\": []}", "has nbformat missing; 4 is needed")]
    public void What_is_no_notebook_is_refused_in_a_sentence(string json, string message) =>
        Assert.Contains(message, Assert.Throws<NotebookException>(() => NotebookDocument.Parse(json, "x.ipynb")).Message, StringComparison.Ordinal);
}
