using System.Collections.Concurrent;
using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Jupyter;

/// <summary>Answers one request; null where the protocol knows no reply to it.</summary>
internal delegate Task<JsonObject?> RequestHandler(JupyterMessage request);

/// <summary>
/// Works off the requests of one channel in their order, on a thread of its own: busy on IOPub, what the handler
/// publishes, the reply, idle on IOPub.
/// </summary>
internal sealed class RequestLoop
{
    private readonly KernelSockets _sockets;
    private readonly Channel _channel;
    private readonly Dictionary<string, RequestHandler> _handlers;
    private readonly BlockingCollection<(long Number, JupyterMessage Request)> _queue = [];
    private readonly Thread _thread;
    private long _lastPosted;
    private long _abortThrough;

    public RequestLoop(KernelSockets sockets, Channel channel, Dictionary<string, RequestHandler> handlers)
    {
        (_sockets, _channel, _handlers) = (sockets, channel, handlers);
        _thread = new Thread(Run) { Name = $"Jupyter {channel}", IsBackground = true };
    }

    /// <summary>Adds a request to the end; called by the sockets' thread alone.</summary>
    public void Post(JupyterMessage request)
    {
        try
        {
            _queue.Add((Interlocked.Increment(ref _lastPosted), request));
        }
        catch (InvalidOperationException)
        {
            // Stopped: the kernel is about to end, and its client asked for that.
        }
    }

    /// <summary>Answers the requests to execute that wait now with <c>aborted</c> when their turn comes.</summary>
    public void AbortWaiting() => Interlocked.Exchange(ref _abortThrough, Interlocked.Read(ref _lastPosted));

    /// <summary>Begins to work.</summary>
    public void Start() => _thread.Start();

    /// <summary>Takes no more requests, aborts the cells that wait, and gives the current one a while to end.</summary>
    public void Stop(TimeSpan wait)
    {
        _queue.CompleteAdding();
        AbortWaiting();
        _thread.Join(wait);
    }

    private void Run()
    {
        foreach ((long number, JupyterMessage request) in _queue.GetConsumingEnumerable())
        {
            PublishStatus("busy", request);
            bool aborted = request.Type == "execute_request" && number <= Interlocked.Read(ref _abortThrough);
            JsonObject? content = aborted ? new() { ["status"] = "aborted" } : Answer(request);
            if (content != null)
            {
                string reply = request.Type.Replace("_request", "_reply", StringComparison.Ordinal);
                _sockets.Send(_channel, reply, request, content);
            }

            PublishStatus("idle", request);
        }
    }

    private JsonObject? Answer(JupyterMessage request)
    {
        try
        {
            return _handlers.TryGetValue(request.Type, out RequestHandler? handler) ? handler(request).GetAwaiter().GetResult()
                : request.Type.EndsWith("_request", StringComparison.Ordinal) ? Error("NotSupported", $"This kernel does not answer {request.Type}.")
                : null;
        }
        catch (Exception error)
        {
            // Whatever a request holds, or a handler stumbles over, the next request finds the kernel alive.
            return Error(error.GetType().Name, error.Message);
        }
    }

    private void PublishStatus(string state, JupyterMessage request) =>
        _sockets.Send(Channel.IOPub, "status", request, new() { ["execution_state"] = state });

    private static JsonObject Error(string name, string value) =>
        new() { ["status"] = "error", ["ename"] = name, ["evalue"] = value, ["traceback"] = new JsonArray() };
}
