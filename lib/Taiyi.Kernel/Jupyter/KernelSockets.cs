using System.Text;
using System.Text.Json.Nodes;
using NetMQ;
using NetMQ.Sockets;

namespace Taiyi.Kernel.Jupyter;

/// <summary>The channels on which messages travel; the heartbeat carries none.</summary>
internal enum Channel
{
    /// <summary>Requests and their replies, in order.</summary>
    Shell,

    /// <summary>Interrupt and shutdown, beside a running cell.</summary>
    Control,

    /// <summary>Everything published to all clients.</summary>
    IOPub,

    /// <summary>Requests of the kernel for a line of the user.</summary>
    Stdin,
}

/// <summary>The five sockets of a kernel. They live on one thread of their own; <see cref="Send"/> may be called from any.</summary>
internal sealed class KernelSockets : IDisposable
{
    private readonly MessageSigner _signer;
    private readonly RouterSocket _shell = new();
    private readonly RouterSocket _control = new();
    private readonly RouterSocket _stdin = new();
    private readonly XPublisherSocket _ioPub = new();
    private readonly ResponseSocket _heartbeat = new();
    private readonly NetMQQueue<Outgoing> _outgoing = new();
    private readonly NetMQPoller _poller;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _dropped;
    private bool _closed;

    /// <summary>Binds all sockets to the addresses of the connection file.</summary>
    /// <exception cref="JupyterException">An address is taken or not ours.</exception>
    public KernelSockets(ConnectionFile connection)
    {
        _signer = new MessageSigner(connection.Key);
        _poller = new NetMQPoller { _shell, _control, _stdin, _ioPub, _heartbeat, _outgoing };
        _shell.ReceiveReady += (_, _) => Receive(_shell, ShellReceived);
        _control.ReceiveReady += (_, _) => Receive(_control, ControlReceived);
        _stdin.ReceiveReady += (_, _) => Receive(_stdin, StdinReceived);
        _ioPub.ReceiveReady += (_, _) => Welcome();
        _heartbeat.ReceiveReady += (_, _) => _heartbeat.SendMultipartMessage(_heartbeat.ReceiveMultipartMessage());
        _outgoing.ReceiveReady += (_, _) => SendQueued();

        // A client that reads slowly gets everything late; with the default mark of 1000 it would lose output.
        _ioPub.Options.SendHighWatermark = 0;
        _ioPub.Options.XPubVerbose = true;
        Bind(_shell, connection.Ip, connection.ShellPort);
        Bind(_control, connection.Ip, connection.ControlPort);
        Bind(_stdin, connection.Ip, connection.StdinPort);
        Bind(_ioPub, connection.Ip, connection.IOPubPort);
        Bind(_heartbeat, connection.Ip, connection.HeartbeatPort);
    }

    /// <summary>A message came on the shell channel; called on the sockets' thread, so it must return at once.</summary>
    public event Action<JupyterMessage>? ShellReceived;

    /// <summary>A message came on the control channel; called on the sockets' thread.</summary>
    public event Action<JupyterMessage>? ControlReceived;

    /// <summary>A message came on the stdin channel; called on the sockets' thread.</summary>
    public event Action<JupyterMessage>? StdinReceived;

    /// <summary>The session that stands in the header of every message sent.</summary>
    public string Session { get; } = Guid.NewGuid().ToString("N");

    /// <summary>How many messages were thrown away because their signature was wrong or they could not be read.</summary>
    public long DroppedMessages => Interlocked.Read(ref _dropped);

    /// <summary>Begins to receive and to send.</summary>
    public void Start() => _poller.RunAsync("Jupyter sockets", true);

    /// <summary>Sends a message after all those sent before it, on whichever channel.</summary>
    public void Send(Channel channel, string type, JupyterMessage? parent, JsonObject content)
    {
        IReadOnlyList<byte[]> identities = channel == Channel.IOPub ? [Encoding.UTF8.GetBytes(type)] : parent!.Identities;
        JupyterMessage message = JupyterMessage.Create(Session, type, identities, parent, content);
        Enqueue(new Outgoing(channel, new NetMQMessage(message.ToFrames(_signer))));
    }

    /// <summary>Hands everything sent so far to the sockets, then ends their thread.</summary>
    public Task StopAsync()
    {
        Enqueue(new Outgoing(default, null));
        return _stopped.Task;
    }

    /// <summary>Closes the sockets; what they still hold is sent for up to two seconds more.</summary>
    public void Dispose()
    {
        _poller.Dispose();
        foreach (NetMQSocket socket in (NetMQSocket[])[_shell, _control, _stdin, _ioPub, _heartbeat])
        {
            socket.Options.Linger = TimeSpan.FromSeconds(2);
            socket.Dispose();
        }

        lock (_outgoing)
        {
            _closed = true;
            _outgoing.Dispose();
        }
    }

    // A cell that outlives the kernel may still print: nobody listens any more.
    private void Enqueue(Outgoing next)
    {
        lock (_outgoing)
        {
            if (!_closed)
            {
                _outgoing.Enqueue(next);
            }
        }
    }

    private static void Bind(NetMQSocket socket, string ip, int port)
    {
        try
        {
            socket.Bind($"tcp://{ip}:{port}");
        }
        catch (NetMQException error)
        {
            throw new JupyterException($"The address tcp://{ip}:{port} of the connection file cannot be bound: {error.Message}. Is another kernel running with this file?", error);
        }
    }

    private void Receive(RouterSocket socket, Action<JupyterMessage>? received)
    {
        NetMQMessage frames = socket.ReceiveMultipartMessage();
        if (JupyterMessage.TryParse([.. frames.Select(frame => frame.ToByteArray())], _signer, out JupyterMessage? message))
        {
            received?.Invoke(message);
        }
        else
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    // Protocol 5.4: a client that subscribes learns that nothing published from now on passes it by.
    private void Welcome()
    {
        byte[] frame = _ioPub.ReceiveFrameBytes();
        if (frame is [1, .. var topic])
        {
            Send(Channel.IOPub, "iopub_welcome", null, new() { ["subscription"] = Encoding.UTF8.GetString(topic) });
        }
    }

    private void SendQueued()
    {
        while (_outgoing.TryDequeue(out Outgoing next, TimeSpan.Zero))
        {
            if (next.Message == null)
            {
                _poller.Stop();
                _stopped.TrySetResult();
                return;
            }

            SocketOf(next.Channel).TrySendMultipartMessage(next.Message);
        }
    }

    private NetMQSocket SocketOf(Channel channel) => channel switch
    {
        Channel.Shell => _shell,
        Channel.Control => _control,
        Channel.Stdin => _stdin,
        _ => _ioPub,
    };

    /// <summary>A message on its way to a socket; none means that the sockets stop.</summary>
    private readonly record struct Outgoing(Channel Channel, NetMQMessage? Message);
}
