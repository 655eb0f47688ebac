using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

/// <summary>Whatever fails inside the engine is an error that the reader sees, and the next cell runs.</summary>
public sealed class FaultTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    public static TheoryData<string> Stages => [.. Enum.GetNames<CellStage>()];

    [Theory]
    [MemberData(nameof(Stages))]
    public async Task A_fault_at_any_stage_is_shown_in_the_cell(string name)
    {
        CellStage stage = Enum.Parse<CellStage>(name);
        bool armed = true;
        _session.Engine.StageBegins = begun =>
        {
            if (armed && begun == stage)
            {
                armed = false;
                throw new InvalidOperationException($"injected at {stage}");
            }
        };
        // The last stage is only reached when something else has failed.
        string code = stage is CellStage.Describe ? "throw new Exception(\"first\");" : "Console.WriteLine(1);\n2";

        CellResult result = await _session.RunAsync(code, TestContext.Current.CancellationToken);

        Assert.False(armed, "the stage was not reached");
        Assert.Equal(CellStatus.Failed, result.Status);
        string expected = stage is CellStage.Describe ? "System.Exception, which could not be described: System.InvalidOperationException" : $"injected at {stage}";
        Assert.Contains(expected, _session.Error!.Value, StringComparison.Ordinal);
        Assert.NotEmpty(_session.Error.Traceback);
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
    }

    [Fact]
    public async Task An_error_of_the_compiler_that_concerns_no_place_is_shown()
    {
        // An assembly that lacks what it refers to: the compiler's complaint has no position in the cell.
        CellResult result = await _session.RunAsync("[assembly: System.Reflection.AssemblyKeyFile(\"none.snk\")]\nint a = 1;", TestContext.Current.CancellationToken);
        Assert.Equal(CellStatus.Failed, result.Status);
        Assert.Contains("error CS", _session.Error!.Value, StringComparison.Ordinal);
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
    }

    [Theory]
    [InlineData("class Sly : Exception { public override string Message => throw new Exception(); }\nthrow new Sly();", "Sly")]
    [InlineData("class Sly : Exception { public override string Message => null; }\nthrow new Sly();", "Sly")]
    [InlineData("class Sly : Exception { public override string ToString() => throw new Exception(); }\nthrow new Sly();", "Sly")]
    public async Task An_exception_that_cannot_describe_itself_is_named(string code, string name)
    {
        CellResult result = await _session.RunAsync(code, TestContext.Current.CancellationToken);
        Assert.Equal(CellStatus.Failed, result.Status);
        Assert.Contains(name, string.Join('\n', _session.Error!.Traceback), StringComparison.Ordinal);
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
    }

    [Fact]
    public async Task A_listener_that_takes_nothing_does_not_end_the_process()
    {
        CellResult result = await _session.Engine.ExecuteAsync(
            "Console.WriteLine(1);\nawait Task.Delay(200);\n2", _ => throw new IOException("the client is gone"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(CellStatus.Failed, result.Status);
        Assert.Contains("the client is gone", result.Error!.Value, StringComparison.Ordinal);
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
    }
}
