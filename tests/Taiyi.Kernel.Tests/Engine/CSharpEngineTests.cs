using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class CSharpEngineTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public async Task The_last_expression_is_the_result_and_a_semicolon_hides_it()
    {
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
        Assert.Null(await _session.ValueOfAsync("Math.Max(1, 2);"));
        Assert.Null(await _session.ValueOfAsync("int unused = 3;"));
        Assert.Equal("<null>", await _session.ValueOfAsync("(string)null"));
    }

    [Fact]
    public async Task Variables_functions_and_types_live_on_in_later_cells()
    {
        await _session.ValueOfAsync("var count = 20;\nint Twice(int n) => 2 * n;\nrecord Point(int X, int Y);");
        Assert.Equal("41", await _session.ValueOfAsync("count = Twice(count) + 1;\ncount"));
        Assert.Equal("3", await _session.ValueOfAsync("new Point(1, 3).Y"));
        Assert.Equal("text", await _session.ValueOfAsync("var count = \"text\";\ncount"));
    }

    [Fact]
    public async Task Await_works_at_the_top_level()
    {
        Assert.Equal("7", await _session.ValueOfAsync("var value = await Task.Run(() => 7);\nawait Task.Delay(5);\nvalue"));
    }

    [Fact]
    public async Task A_failed_cell_keeps_what_it_set_before_and_the_next_cell_runs()
    {
        CellResult result = await _session.RunAsync("var before = 5;\nthrow new InvalidOperationException(\"stop here\");\nvar after = 6;", TestContext.Current.CancellationToken);
        Assert.Equal(CellStatus.Failed, result.Status);
        Assert.Equal("System.InvalidOperationException", _session.Error!.Name);
        Assert.Equal("stop here", _session.Error.Value);
        Assert.Equal(["System.InvalidOperationException: stop here", "   at Cell 1, line 2"], _session.Error.Traceback);
        Assert.Equal("5", await _session.ValueOfAsync("before"));
    }

    [Fact]
    public async Task A_traceback_names_functions_and_lines_of_the_cells_that_they_are_from()
    {
        await _session.ValueOfAsync("int Divide(int a, int b)\n{\n    return a / b;\n}");
        await _session.RunAsync("int[] numbers = [1, 0];\n\nnumbers.Select(n =>\n    Divide(1, n)).ToArray()", TestContext.Current.CancellationToken);
        Assert.Equal("System.DivideByZeroException", _session.Error!.Name);
        Assert.Equal("   at Divide(Int32 a, Int32 b) in Cell 1, line 3", _session.Error.Traceback[1]);
        Assert.Contains("   at lambda(Int32 n) in Cell 2, line 4", _session.Error.Traceback);
        Assert.Equal("   at Cell 2, line 3", _session.Error.Traceback[^1]);
        Assert.DoesNotContain(_session.Error.Traceback, line => line.Contains("Taiyi.Kernel", StringComparison.Ordinal) || line.Contains("Submission", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Compile_errors_carry_the_position_in_the_cell()
    {
        await _session.RunAsync("int a = 1;\nfor (int i = 0; i < 3; i++) b += i;", TestContext.Current.CancellationToken);
        Assert.Equal("(2,29): error CS0103: The name 'b' does not exist in the current context", Assert.Single(_session.Error!.Traceback));
        await _session.RunAsync("a", TestContext.Current.CancellationToken);
        Assert.Contains("CS0103", _session.Error!.Value, StringComparison.Ordinal);
    }
}
