using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Tests.Engine;

public sealed class ConsoleTests : IDisposable
{
    private readonly Session _session = new();

    public void Dispose() => _session.Dispose();

    [Fact]
    public async Task Standard_output_and_error_arrive_in_order_between_displays()
    {
        await _session.ValueOfAsync("Console.WriteLine(1);\nConsole.Write('x');\ndisplay(\"shown\");\nConsole.Error.WriteLine(\"bad\");\nConsole.WriteLine(\"{0:F1}\", 2.5);");
        Assert.Equal("1\nx", Assert.IsType<StreamOutput>(_session.Outputs[0]).Text);
        Assert.IsType<DisplayOutput>(_session.Outputs[1]);
        Assert.Equal(new StreamOutput("stderr", "bad\n"), _session.Outputs[2]);
        Assert.Equal(new StreamOutput("stdout", "2.5\n"), _session.Outputs[3]);
    }

    [Fact]
    public async Task Text_arrives_while_the_cell_still_runs()
    {
        using Signal arrived = new(); // without which the cell does not end
        CellResult result = await _session.Engine.ExecuteAsync(
            $"Console.WriteLine(\"now\");\n{arrived.Wait}", _ => arrived.Give(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(CellStatus.Succeeded, result.Status);
    }

    [Fact]
    public async Task Ten_megabytes_of_lines_arrive_whole_in_few_outputs()
    {
        await _session.ValueOfAsync("for (int i = 0; i < 100_000; i++)\n    Console.WriteLine($\"{i,7} \" + new string('x', 96));");
        string text = _session.Text();
        Assert.Equal(100_000 * 105, text.Length);
        Assert.EndsWith("  99999 " + new string('x', 96) + "\n", text, StringComparison.Ordinal);
        Assert.InRange(_session.Outputs.Count, 1, 1000);
    }

    [Fact]
    public async Task Every_script_of_the_world_passes()
    {
        const string Text = "太乙 🎨 مرحبا नमस्ते \u0301e ∑";
        await _session.ValueOfAsync($"var 画 = \"{Text}\";\nConsole.WriteLine(画);\nConsole.Error.Write(画);");
        Assert.Equal(Text + "\n", _session.Text());
        Assert.Equal(Text, _session.Text("stderr"));
        Assert.Equal(Text, await _session.ValueOfAsync("画"));
    }

    [Fact]
    public async Task Reading_the_console_says_that_there_is_no_keyboard()
    {
        await _session.RunAsync("var name = Console.ReadLine();", TestContext.Current.CancellationToken);
        Assert.Contains("no keyboard", _session.Error!.Value, StringComparison.Ordinal);
        await _session.RunAsync("Console.In.ReadToEnd()", TestContext.Current.CancellationToken);
        Assert.Contains("no keyboard", _session.Error!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Threads_and_tasks_of_a_cell_write_to_that_cell()
    {
        await _session.ValueOfAsync("var thread = new System.Threading.Thread(() => Console.WriteLine(\"thread\"));\nthread.Start();\nthread.Join();\nawait Task.Run(() => Console.WriteLine(\"task\"));");
        Assert.Equal("thread\ntask\n", _session.Text());
    }

    [Fact]
    public async Task Two_sessions_at_once_do_not_mix_their_output()
    {
        using Session other = new();
        const string Code = "for (int i = 0; i < 200; i++) { Console.Write(\"NAME\"); await Task.Yield(); }";
        await Task.WhenAll(_session.ValueOfAsync(Code.Replace("NAME", "a", StringComparison.Ordinal)), other.ValueOfAsync(Code.Replace("NAME", "b", StringComparison.Ordinal)));
        Assert.Equal(new string('a', 200), _session.Text());
        Assert.Equal(new string('b', 200), other.Text());
    }

    [Fact]
    public async Task An_exception_on_a_thread_of_a_cell_is_reported_and_does_not_end_the_process()
    {
        await _session.ValueOfAsync("var thread = new System.Threading.Thread(() => throw new InvalidOperationException(\"lost\"));\nthread.Start();\nthread.Join(500);");
        Assert.Contains("System.InvalidOperationException: lost", _session.Text("stderr"), StringComparison.Ordinal);
        Assert.Equal("2", await _session.ValueOfAsync("1 + 1"));
    }
}
