using Taiyi.Files;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class LanguageServicesTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public async Task Completion_offers_members_types_and_the_variables_of_earlier_cells()
    {
        await _session.ValueOfAsync("var beginning = new List<string>();\nint Fortytwo() => 42;");
        Assert.Contains("AddRange", await EntriesAsync("beginning.Add"));
        Assert.Contains("beginning", await EntriesAsync("begin"));
        Assert.Contains("Fortytwo", await EntriesAsync("var x = For"));
        Assert.Contains("StringBuilder", await EntriesAsync("new StringB"));
        Assert.Contains("WriteLine", await EntriesAsync("Console.Wr"));
        Assert.Contains("display", await EntriesAsync("disp"));
    }

    [Fact]
    public async Task Completion_tells_which_text_an_entry_replaces()
    {
        const string Code = "int a = 1;\nConsole.WriteLi(a)";
        int cursor = Code.IndexOf("(a)", StringComparison.Ordinal);
        Completions completions = await _session.Engine.CompleteAsync(Code, cursor, TestContext.Current.CancellationToken);
        Assert.Equal("WriteLi", Code[completions.Start..completions.End]);
        Assert.Equal(new CompletionEntry("WriteLine", "Method"), Assert.Single(completions.Entries));
    }

    [Fact]
    public async Task Inspection_gives_signature_and_documentation()
    {
        await _session.ValueOfAsync("/// <summary>Half of a number.</summary>\ndouble Half(double number) => number / 2;");
        Inspection? own = await _session.Engine.InspectAsync("Half(3)", 2, TestContext.Current.CancellationToken);
        Assert.Contains("double Half(double number)", own!.Signature, StringComparison.Ordinal);
        Inspection? framework = await _session.Engine.InspectAsync("Math.Sqrt(2)", 6, TestContext.Current.CancellationToken);
        Assert.Contains("double Math.Sqrt(double d)", framework!.Signature, StringComparison.Ordinal);
        Assert.Contains("square root", framework.Documentation, StringComparison.Ordinal);
        Assert.Null(await _session.Engine.InspectAsync("  ", 1, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Inspection_reads_the_documentation_beside_a_referenced_library()
    {
        string library = typeof(Interruption).Assembly.Location;
        await _session.ValueOfAsync($"#r \"{library}\"");
        Inspection? found = await _session.Engine.InspectAsync("Taiyi.Files.Interruption.Token", 15, TestContext.Current.CancellationToken);
        Assert.Contains("interrupt button", found!.Documentation, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1 + 1", CompletenessStatus.Complete, "")]
    [InlineData("", CompletenessStatus.Complete, "")]
    [InlineData("for (int i = 0; i < 3; i++)\n{", CompletenessStatus.Incomplete, "    ")]
    [InlineData("class A\n{\n    void B()\n    {", CompletenessStatus.Incomplete, "        ")]
    [InlineData("int 1a = 3;", CompletenessStatus.Invalid, "")]
    [InlineData("#!time\nvar a = 1;", CompletenessStatus.Complete, "")]
    [InlineData("#!fsharp\nlet a = (", CompletenessStatus.Complete, "")]
    public void A_console_learns_whether_Enter_runs_the_text(string code, CompletenessStatus status, string indent) =>
        Assert.Equal(new Completeness(status, indent), CSharpEngine.IsComplete(code));

    private async Task<IEnumerable<string>> EntriesAsync(string code) =>
        (await _session.Engine.CompleteAsync(code, code.Length, TestContext.Current.CancellationToken)).Entries.Select(entry => entry.Text);
}
