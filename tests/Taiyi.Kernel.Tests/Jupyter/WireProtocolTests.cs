using System.Text;
using System.Text.Json.Nodes;
using NetMQ;

namespace Taiyi.Kernel.Tests.Jupyter;

public sealed class WireProtocolTests : IDisposable
{
    private readonly WireClient _client = new();

    public void Dispose() => _client.Dispose();

    [Fact]
    public void A_subscriber_is_welcomed_and_the_heartbeat_echoes()
    {
        Assert.Equal("iopub_welcome", _client.Welcome.Type);
        Assert.Equal("ping", _client.Beat("ping"));
    }

    [Fact]
    public void Kernel_info_describes_the_language_and_the_protocol()
    {
        JsonObject reply = _client.Reply(_client.Send("kernel_info_request", []));

        Assert.Equal("5.4", (string?)reply["protocol_version"]);
        Assert.Equal("Taiyi", (string?)reply["implementation"]);
        JsonNode language = reply["language_info"]!;
        Assert.Equal(("C#", ".cs", "text/x-csharp", "csharp"), ((string?)language["name"], (string?)language["file_extension"], (string?)language["mimetype"], (string?)language["pygments_lexer"]));
    }

    [Fact]
    public void Everything_a_cell_shows_stands_between_busy_and_idle_in_its_order()
    {
        (JsonObject reply, List<WireClient.Message> published) = _client.Execute("Console.Write(\"a\"); Console.Write(\"b\"); display(1); Console.Write(\"c\"); 40 + 2");

        Assert.Equal(["busy", "execute_input", "stream", "display_data", "stream", "execute_result", "idle"], published.Select(message => message.Name));
        Assert.Equal("ab", (string?)published[2].Content["text"]);
        Assert.Equal("42", (string?)published[5].Content["data"]!["text/plain"]);
        Assert.Equal(1, (int?)published[5].Content["execution_count"]);
        Assert.Equal(("ok", 1), ((string?)reply["status"], (int?)reply["execution_count"]));
    }

    [Fact]
    public void A_wrong_signature_is_dropped_and_counted_and_the_kernel_goes_on()
    {
        _client.Send("execute_request", new() { ["code"] = "var forged = 1;" }, tamper: frames => With(frames, 1, new string('0', 64)));
        _client.Send("execute_request", new() { ["code"] = "var forged = 1;" }, tamper: frames => With(frames, 5, "{\"code\": \"var forged = 2;\"}"));

        (JsonObject reply, _) = _client.Execute("forged");
        Assert.Equal("error", (string?)reply["status"]);
        Assert.Equal(2, _client.Kernel.DroppedMessages);
    }

    [Fact]
    public void A_malformed_message_is_dropped_and_the_kernel_goes_on()
    {
        _client.Send("execute_request", [], tamper: _ => Frames("nothing of the protocol"));
        _client.Send("execute_request", [], tamper: _ => Frames("<IDS|MSG>", "signature", "{}"));
        _client.Send("execute_request", [], tamper: _ => Frames("", "\uFFFF"));

        Assert.Equal("42", Result("40 + 2"));
        Assert.Equal(3, _client.Kernel.DroppedMessages);
    }

    [Theory]
    [InlineData("execute_request", "{}")]
    [InlineData("execute_request", "{\"code\": 7}")]
    [InlineData("complete_request", "{\"code\": \"a\", \"cursor_pos\": \"end\"}")]
    [InlineData("history_request", "{\"hist_access_type\": \"all\"}")]
    [InlineData("dance_request", "{}")]
    public void A_request_that_makes_no_sense_is_answered_with_an_error_and_the_kernel_goes_on(string type, string content)
    {
        string id = _client.Send(type, JsonNode.Parse(content)!.AsObject());

        Assert.Equal(["busy", "idle"], _client.PublishedFor(id).Select(message => message.Name));
        Assert.Equal("error", (string?)_client.Reply(id)["status"]);
        Assert.Equal("42", Result("40 + 2"));
    }

    [Fact]
    public void Without_a_key_unsigned_messages_are_accepted()
    {
        using var client = new WireClient(key: "");

        Assert.Equal("ok", (string?)client.Execute("1").Reply["status"]);
    }

    [Fact]
    public void A_silent_cell_runs_publishes_nothing_and_does_not_count()
    {
        (JsonObject reply, List<WireClient.Message> published) = _client.Execute("int quiet = 3; Console.Write(quiet); quiet", new() { ["silent"] = true });

        Assert.Equal("ok", (string?)reply["status"]);
        Assert.Equal(["busy", "idle"], published.Select(message => message.Name));
        (reply, _) = _client.Execute("quiet");
        Assert.Equal(1, (int?)reply["execution_count"]);
    }

    [Fact]
    public void A_cell_without_store_history_shows_its_result_and_does_not_count()
    {
        (_, List<WireClient.Message> published) = _client.Execute("1 + 1", new() { ["store_history"] = false });
        Assert.Contains(published, message => message.Type == "execute_result");

        (JsonObject reply, _) = _client.Execute("5");
        Assert.Equal(1, (int?)reply["execution_count"]);
        JsonArray history = History(new() { ["hist_access_type"] = "tail", ["n"] = 10, ["output"] = true });
        Assert.Equal("[[1,1,[\"5\",\"5\"]]]", history.ToJsonString());
    }

    [Fact]
    public void History_is_found_by_tail_by_range_and_by_pattern()
    {
        foreach (string code in (string[])["var a = 1;", "var b = 2;", "a + b", "var b = 3;"])
        {
            _client.Execute(code);
        }

        Assert.Equal(["a + b", "var b = 3;"], Inputs(new() { ["hist_access_type"] = "tail", ["n"] = 2 }));
        Assert.Equal(["var b = 2;", "a + b"], Inputs(new() { ["hist_access_type"] = "range", ["session"] = 0, ["start"] = 2, ["stop"] = 4 }));
        Assert.Equal(["var a = 1;", "var b = 2;", "var b = 3;"], Inputs(new() { ["hist_access_type"] = "search", ["pattern"] = "var*" }));
    }

    [Fact]
    public void A_failed_cell_publishes_its_error_and_replies_with_it()
    {
        (JsonObject reply, List<WireClient.Message> published) = _client.Execute("throw new InvalidOperationException(\"no such thing\");");

        WireClient.Message error = Assert.Single(published, message => message.Type == "error");
        Assert.Equal("no such thing", (string?)error.Content["evalue"]);
        Assert.Equal("error", (string?)reply["status"]);
        Assert.Equal(error.Content["ename"]!.ToJsonString(), reply["ename"]!.ToJsonString());
        Assert.Equal(error.Content["traceback"]!.ToJsonString(), reply["traceback"]!.ToJsonString());
    }

    [Fact]
    public void The_control_channel_answers_while_a_cell_runs()
    {
        string cell = _client.Send("execute_request", new() { ["code"] = "#r \"Taiyi\"\nConsole.Write(1); await Task.Delay(TimeSpan.FromMinutes(10), Taiyi.Files.Interruption.Token);" });

        _client.WaitFor("stream");
        string info = _client.Send("kernel_info_request", [], control: true);
        Assert.Equal("ok", (string?)_client.Reply(info, control: true)["status"]);
        Assert.Equal("ok", Interrupt());
        Assert.Equal("The cell was interrupted.", (string?)_client.Reply(cell)["evalue"]);
        Assert.Equal("42", Result("40 + 2"));
    }

    [Fact]
    public void A_line_that_a_cell_reads_is_asked_of_its_client()
    {
        string cell = _client.Send("execute_request", new() { ["code"] = "Console.Write(\"Name? \"); $\"Hello {Console.ReadLine()}\"", ["allow_stdin"] = true });

        WireClient.Message question = _client.ReceiveInputRequest();
        Assert.Equal(("input_request", cell), (question.Type, (string?)question.ParentHeader["msg_id"]));
        _client.AnswerInput("李白");
        List<WireClient.Message> published = _client.PublishedFor(cell);
        Assert.Equal(["busy", "execute_input", "stream", "execute_result", "idle"], published.Select(message => message.Name));
        Assert.Equal("Hello 李白", (string?)published[3].Content["data"]!["text/plain"]);
    }

    [Fact]
    public void A_cell_that_waits_for_a_line_can_be_interrupted()
    {
        string cell = _client.Send("execute_request", new() { ["code"] = "Console.ReadLine()", ["allow_stdin"] = true });

        _client.ReceiveInputRequest();
        Assert.Equal("ok", Interrupt());
        Assert.Equal("The cell was interrupted.", (string?)_client.Reply(cell)["evalue"]);
        Assert.Equal("42", Result("40 + 2"));
    }

    [Fact]
    public void An_opened_comm_is_closed_at_once_and_none_is_listed()
    {
        string id = _client.Send("comm_open", new() { ["comm_id"] = "c1", ["target_name"] = "widget", ["data"] = new JsonObject() });

        List<WireClient.Message> published = _client.PublishedFor(id);
        Assert.Equal(["busy", "comm_close", "idle"], published.Select(message => message.Name));
        Assert.Equal("c1", (string?)published[1].Content["comm_id"]);
        Assert.Empty(_client.Reply(_client.Send("comm_info_request", []))["comms"]!.AsObject());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Shutdown_is_answered_with_its_restart_flag(bool restart)
    {
        JsonObject reply = _client.Reply(_client.Send("shutdown_request", new() { ["restart"] = restart }, control: true), control: true);

        Assert.Equal(("ok", restart), ((string?)reply["status"], (bool?)reply["restart"]));
    }

    [Fact]
    public void Text_beyond_ASCII_and_beyond_the_basic_plane_arrives_whole()
    {
        (_, List<WireClient.Message> published) = _client.Execute("foreach (char half in \"太乙 😀\") { Console.Write(half); System.Threading.Thread.Sleep(60); }");

        Assert.Equal("太乙 😀", string.Concat(published.Where(message => message.Type == "stream").Select(message => (string?)message.Content["text"])));
    }

    private string? Interrupt() => (string?)_client.Reply(_client.Send("interrupt_request", [], control: true), control: true)["status"];

    private string? Result(string code) =>
        (string?)_client.Execute(code).Published.Single(message => message.Type == "execute_result").Content["data"]!["text/plain"];

    private JsonArray History(JsonObject request) => _client.Reply(_client.Send("history_request", request))["history"]!.AsArray();

    private IEnumerable<string?> Inputs(JsonObject request) => History(request).Select(entry => (string?)entry![2]);

    private static NetMQMessage With(NetMQMessage frames, int index, string text) =>
        new(frames.Select((frame, i) => i == index ? new NetMQFrame(text) : frame));

    private static NetMQMessage Frames(params string[] texts) => new(texts.Select(text => new NetMQFrame(text, Encoding.UTF8)));
}
