using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using NetMQ;
using NetMQ.Sockets;
using Taiyi.Kernel.Jupyter;

namespace Taiyi.Kernel.Tests.Jupyter;

/// <summary>
/// A kernel in this process and a client that sends frame by frame, with a signature of its own: for what a well-behaved
/// client never does, and for the exact order of messages.
/// </summary>
internal sealed class WireClient : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(10);

    private readonly byte[] _identity = Guid.NewGuid().ToByteArray();
    private readonly string _key;
    private readonly DealerSocket _shell = new();
    private readonly DealerSocket _control = new();
    private readonly DealerSocket _stdin = new();
    private readonly SubscriberSocket _ioPub = new();
    private readonly RequestSocket _heartbeat = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;

    public WireClient(string key = "a secret")
    {
        _key = key;
        int[] ports = FreePorts(5);
        Kernel = new JupyterKernel(
            new ConnectionFile
            {
                Ip = "127.0.0.1",
                ShellPort = ports[0],
                ControlPort = ports[1],
                StdinPort = ports[2],
                IOPubPort = ports[3],
                HeartbeatPort = ports[4],
                Key = key,
            },
            Path.GetTempPath());
        _running = Kernel.RunAsync(_end.Token);
        NetMQSocket[] sockets = [_shell, _control, _stdin, _ioPub, _heartbeat];
        for (int i = 0; i < sockets.Length; i++)
        {
            // The stdin channel is found by the identity of the shell channel.
            sockets[i].Options.Identity = _identity;
            sockets[i].Options.Linger = TimeSpan.Zero;
            sockets[i].Connect($"tcp://127.0.0.1:{ports[i]}");
        }

        _ioPub.SubscribeToAnyTopic();
        Welcome = Receive(_ioPub);
    }

    public JupyterKernel Kernel { get; }

    /// <summary>The first message after the subscription.</summary>
    public Message Welcome { get; }

    /// <summary>The kernel's answer to a heartbeat.</summary>
    public string Beat(string text)
    {
        _heartbeat.SendFrame(text);
        return _heartbeat.TryReceiveFrameString(Timeout, out string? echo) ? echo! : "";
    }

    /// <summary>Sends a request and returns its id.</summary>
    public string Send(string type, JsonObject content, bool control = false, Func<NetMQMessage, NetMQMessage>? tamper = null)
    {
        string id = Guid.NewGuid().ToString();
        var header = new JsonObject { ["msg_id"] = id, ["session"] = "s", ["username"] = "u", ["date"] = "2026-01-01T00:00:00Z", ["msg_type"] = type, ["version"] = "5.4" };
        SendFrames(control ? _control : _shell, header.ToJsonString(), content.ToJsonString(), tamper);
        return id;
    }

    /// <summary>Answers the kernel's question on the stdin channel.</summary>
    public void AnswerInput(string value) => SendFrames(
        _stdin, new JsonObject { ["msg_id"] = "input", ["msg_type"] = "input_reply" }.ToJsonString(), new JsonObject { ["value"] = value }.ToJsonString(), null);

    /// <summary>Sends a cell and returns its reply and everything published for it, from busy to idle.</summary>
    public (JsonObject Reply, List<Message> Published) Execute(string code, JsonObject? options = null)
    {
        JsonObject content = options ?? [];
        content["code"] = code;
        string id = Send("execute_request", content);
        List<Message> published = PublishedFor(id);
        return (Reply(id), published);
    }

    /// <summary>Everything published for a request, from busy to idle.</summary>
    public List<Message> PublishedFor(string id)
    {
        var published = new List<Message>();
        do
        {
            Message message = Receive(_ioPub);
            if ((string?)message.ParentHeader["msg_id"] == id)
            {
                published.Add(message);
            }
        }
        while (published.Count == 0 || (string?)published[^1].Content["execution_state"] != "idle");
        return published;
    }

    /// <summary>Reads what is published up to the next message of a type.</summary>
    public void WaitFor(string type)
    {
        while (Receive(_ioPub).Type != type)
        {
        }
    }

    /// <summary>The next reply on shell or control, which must answer the request.</summary>
    public JsonObject Reply(string id, bool control = false)
    {
        Message reply = Receive(control ? _control : _shell);
        Assert.Equal(id, (string?)reply.ParentHeader["msg_id"]);
        return reply.Content;
    }

    /// <summary>The kernel's question for a line.</summary>
    public Message ReceiveInputRequest() => Receive(_stdin);

    public void Dispose()
    {
        _end.Cancel();
        _running.GetAwaiter().GetResult();
        Kernel.Dispose();
        foreach (NetMQSocket socket in (NetMQSocket[])[_shell, _control, _stdin, _ioPub, _heartbeat])
        {
            socket.Dispose();
        }

        _end.Dispose();
    }

    private void SendFrames(DealerSocket socket, string header, string content, Func<NetMQMessage, NetMQMessage>? tamper)
    {
        var frames = new NetMQMessage();
        frames.Append("<IDS|MSG>");
        frames.Append(Sign(header + "{}{}" + content));
        frames.Append(header);
        frames.Append("{}");
        frames.Append("{}");
        frames.Append(Encoding.UTF8.GetBytes(content));
        socket.SendMultipartMessage(tamper == null ? frames : tamper(frames));
    }

    private Message Receive(NetMQSocket socket)
    {
        NetMQMessage? frames = null;
        Assert.True(socket.TryReceiveMultipartMessage(Timeout, ref frames), "No message came within ten minutes.");
        string[] parts = [.. frames!.Select(frame => frame.ConvertToString(Encoding.UTF8))];
        int delimiter = Array.IndexOf(parts, "<IDS|MSG>");
        Assert.Equal(Sign(string.Concat(parts[(delimiter + 2)..])), parts[delimiter + 1]);
        JsonObject header = JsonNode.Parse(parts[delimiter + 2])!.AsObject();
        return new Message((string)header["msg_type"]!, JsonNode.Parse(parts[delimiter + 3])!.AsObject(), JsonNode.Parse(parts[delimiter + 5])!.AsObject());
    }

    private string Sign(string parts) => _key.Length == 0 ? ""
        : Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(_key), Encoding.UTF8.GetBytes(parts)));

    private static int[] FreePorts(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in listeners)
        {
            listener.Start();
        }

        int[] ports = [.. listeners.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        foreach (TcpListener listener in listeners)
        {
            listener.Dispose();
        }

        return ports;
    }

    /// <summary>A received message whose signature was right.</summary>
    internal sealed record Message(string Type, JsonObject ParentHeader, JsonObject Content)
    {
        /// <summary>The type, and for a status its state.</summary>
        public string Name => Type == "status" ? (string)Content["execution_state"]! : Type;
    }
}
