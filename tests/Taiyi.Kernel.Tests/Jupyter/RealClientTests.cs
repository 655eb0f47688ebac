using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Tests.Jupyter;

/// <summary>jupyter_client and nbclient, as Debian ships them, drive the installed kernel in a process of its own.</summary>
public sealed class RealClientTests(InstalledKernel kernel) : IClassFixture<InstalledKernel>
{
    // A notebook loads the library by its file; its token must be the one that the kernel cancels.
    private const string ObeysTheLibrary = """
        #r "TAIYI/Taiyi.dll"
        Console.WriteLine("begun");
        await Task.Delay(TimeSpan.FromMinutes(10), Taiyi.Files.Interruption.Token);
        """;

    [Theory]
    [InlineData("message", ObeysTheLibrary)]
    [InlineData("signal", ObeysTheLibrary)]
    [InlineData("message", "Console.WriteLine(\"begun\"); while (true) { }")]
    public void An_interrupt_ends_a_long_cell_and_the_kernel_keeps_its_state(string how, string cell)
    {
        JsonObject result = kernel.RunClient("interrupt", how, cell.Replace("TAIYI", kernel.CommandFolder));

        Assert.Equal("error", (string?)result["reply"]!["status"]);
        Assert.Equal("42", (string?)result["after"]);
    }

    [Fact]
    public void Cells_queued_behind_a_failed_one_are_aborted_unless_the_client_wants_them()
    {
        JsonObject result = kernel.RunClient("stop_on_error");

        Assert.Equal(["error", "aborted", "aborted", "aborted"], Texts(result["stop"]));
        Assert.Equal(["error", "ok", "ok", "ok"], Texts(result["go on"]));
        Assert.Equal("ok", (string?)result["later"]);
    }

    [Fact]
    public void The_editor_gets_completions_documentation_and_completeness()
    {
        JsonObject result = kernel.RunClient("language");

        JsonNode complete = result["complete"]!;
        Assert.Contains("Sort", Texts(complete["matches"]));

        // "/* 😀 */ numbers." has 16 code points and 17 UTF-16 units.
        Assert.Equal((16, 18), ((int?)complete["cursor_start"], (int?)complete["cursor_end"]));
        Assert.True((bool?)result["inspect"]!["found"]);
        Assert.Contains("WriteLine", (string?)result["inspect"]!["data"]!["text/plain"]);
        Assert.Equal(("incomplete", "complete"), ((string?)result["incomplete"], (string?)result["complete code"]));
        Assert.Equal("var numbers = new List<int> { 3, 1, 2 };", (string?)Assert.Single(result["history"]!.AsArray())![2]);
    }

    [Fact]
    public void A_thousand_cells_run_one_after_the_other()
    {
        JsonObject result = kernel.RunClient("thousand_cells");

        Assert.Equal("1000", (string?)result["count"]);
    }

    [Fact]
    public void Ten_megabytes_of_output_arrive_whole_in_order_and_in_few_messages()
    {
        JsonObject result = kernel.RunClient("flood");

        Assert.True((bool?)result["lines in order"]);
        Assert.InRange((int)result["messages"]!, 3, 5_000);
    }

    [Theory]
    [InlineData("Console.WriteLine(\"begun\"); while (true) { }")]
    [InlineData("Console.WriteLine(\"begun\"); System.Threading.Thread.Sleep(TimeSpan.FromMinutes(10));")]
    public void A_shutdown_request_ends_the_process_whatever_its_cell_does(string cell) =>
        Assert.Equal(0, (int?)kernel.RunClient("shutdown", cell)["exit code"]);

    [Fact]
    public void A_kernel_whose_client_vanished_ends_by_itself()
    {
        int id = (int)kernel.RunClient("orphan")["pid"]!;

        var waited = Stopwatch.StartNew();
        while (Directory.Exists($"/proc/{id}") && waited.Elapsed < TimeSpan.FromMinutes(5))
        {
            Thread.Sleep(100);
        }

        Assert.False(Directory.Exists($"/proc/{id}"), $"The kernel {id} still runs five minutes after its client ended.");
    }

    private static IEnumerable<string?> Texts(JsonNode? array) => array!.AsArray().Select(text => (string?)text);
}
