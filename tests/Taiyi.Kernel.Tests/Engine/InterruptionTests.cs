using Taiyi.Files;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class InterruptionTests
{
    [Theory]
    [InlineData("while (true) { }")]
    [InlineData("while (true) ;")]
    [InlineData("int Forever()\n{\n    for (int i = 0; ; i++) i--;\n}\nForever();")]
    [InlineData("Action spin = () => { do { } while (true); };\nspin();")]
    [InlineData("class A { public void Run() { while (true) { try { System.Threading.Thread.Sleep(1); } catch (Exception) { } } } }\nnew A().Run();")]
    [InlineData("async Task Spin()\n{\n    await Task.Yield();\n    while (true) { await Task.Delay(1); }\n}\nawait Spin();")]
    [InlineData("await Task.Delay(-1, Taiyi.Files.Interruption.Token);")]
    public async Task A_cell_that_never_ends_is_interrupted_and_the_next_one_runs(string code)
    {
        using Session session = new(interruptGrace: TimeSpan.FromMinutes(1));
        await session.ValueOfAsync($"#r \"{typeof(Interruption).Assembly.Location}\"\nint kept = 4;");
        CellResult result = await InterruptAsync(session, code);
        Assert.Equal(CellStatus.Cancelled, result.Status);
        Assert.Equal("The cell was interrupted.", session.Error!.Value);
        Assert.DoesNotContain("left behind", string.Concat(session.Error.Traceback), StringComparison.Ordinal);
        Assert.Equal("4", await session.ValueOfAsync("kept"));
    }

    [Fact]
    public async Task A_cell_that_cannot_be_stopped_is_left_behind_and_its_late_output_dropped()
    {
        using Session session = new(interruptGrace: TimeSpan.FromSeconds(0.5));
        await session.ValueOfAsync("int kept = 4;");
        using Signal resume = new(), ended = new();
        await InterruptAsync(session, $"{resume.Wait}\nConsole.WriteLine(\"late\");\n{ended.Set}");
        Assert.Contains("left behind", string.Concat(session.Error!.Traceback), StringComparison.Ordinal);
        List<CellOutput> outputs = [.. session.Outputs];
        Assert.Equal("5", await session.ValueOfAsync($"{resume.Set}\n{ended.Wait}\nkept + 1"));
        Assert.Equal([new StreamOutput("stdout", "begun\n")], outputs.OfType<StreamOutput>());
        Assert.Empty(session.Text());
    }

    [Fact]
    public async Task A_cell_that_ends_well_although_it_was_interrupted_has_succeeded()
    {
        using Session session = new(interruptGrace: TimeSpan.FromMinutes(1));
        using Signal interrupted = new();
        CellResult result = await InterruptAsync(session, $"{interrupted.Wait}\nConsole.Write(\"end\");", interrupted);
        Assert.Equal(CellStatus.Succeeded, result.Status);
        Assert.Equal("begun\nend", session.Text());
    }

    [Theory]
    [InlineData("int Down(int n) => Down(n + 1) + 1;\nDown(0)")]
    [InlineData("int Down(int n)\n{\n    return Down(n + 1) + 1;\n}\nDown(0)")]
    [InlineData("Func<int, int> down = null;\ndown = n => down(n + 1) + 1;\ndown(0)")]
    [InlineData("Action<int> down = null;\ndown = n => down(n + 1);\ndown(0);")]
    [InlineData("Func<int, int> down = null;\ndown = delegate (int n) { return down(n + 1) + 1; };\ndown(0)")]
    [InlineData("{\n    int Down(int n) => Down(n + 1) + 1;\n    Down(0);\n}")]
    [InlineData("class A { public int Depth => Depth + 1; }\nnew A().Depth")]
    [InlineData("class A { public override string ToString() => $\"{this}\"; }\nnew A().ToString()")]
    [InlineData("record Chain(int Length) { public int Depth() => new Chain(Length + 1).Depth() + 1; }\nnew Chain(0).Depth()")]
    [InlineData("async Task<int> Down(int n) => await Down(n + 1) + 1;\nawait Down(0)")]
    public async Task Endless_recursion_is_an_error_of_the_cell_and_not_the_end_of_the_process(string code)
    {
        using Session session = new();
        await session.RunAsync(code, TestContext.Current.CancellationToken);
        Assert.True(session.Error!.Name == "System.InsufficientExecutionStackException", session.Error.Value);
        Assert.InRange(session.Error.Traceback.Count, 2, 40);
        Assert.Equal("2", await session.ValueOfAsync("1 + 1"));
    }

    [Theory]
    [InlineData("Enumerable.Range(0, 3).Select(n => Math.Max(n, 1)).Sum()", "4")]
    [InlineData("System.Linq.Expressions.Expression<Func<int, int>> tree = n => Math.Abs(n);\ntree.ToString()", "n => Abs(n)")]
    [InlineData("int total = 0;\nforeach (int n in new[] { 1, 2 }) total += n; // adds\ntotal", "3")]
    [InlineData("int total = 0;\nnew List<int> { 1, 2 }.ForEach(n => total += Math.Abs(n));\ntotal", "3")]
    [InlineData("async Task Later() => await Task.Yield();\nvar all = new[] { 1, 2 }.Select(async n => { await Later(); return n; });\n(await Task.WhenAll(all)).Sum()", "3")]
    [InlineData("Func<Task> run = async () => await Task.Delay(Math.Abs(1));\nawait run();\n5", "5")]
    [InlineData("{\n    async Task Wait() => await Task.Yield();\n    int One() => 1;\n    void Nothing() => One();\n    await Wait();\n    Nothing();\n}\n6", "6")]
    public async Task The_checks_put_into_a_cell_do_not_change_what_it_computes(string code, string expected)
    {
        using Session session = new();
        Assert.Equal(expected, await session.ValueOfAsync(code));
    }

    // The interrupt comes when the cell is really running, however busy the machine is.
    private static async Task<CellResult> InterruptAsync(Session session, string code, Signal? interrupted = null)
    {
        using CancellationTokenSource interrupt = new();
        using CancellationTokenRegistration told = interrupt.Token.Register(() => interrupted?.Give());
        session.Outputs.Clear();
        return await session.Engine.ExecuteAsync("Console.WriteLine(\"begun\");\n" + code, Receive, cancellationToken: interrupt.Token);

        void Receive(CellOutput output)
        {
            session.Outputs.Add(output);
            if (output is StreamOutput)
            {
                interrupt.CancelAfter(TimeSpan.FromMilliseconds(200));
            }
        }
    }
}
