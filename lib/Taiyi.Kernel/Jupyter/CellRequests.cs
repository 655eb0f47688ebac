using System.Text.Json.Nodes;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Jupyter;

/// <summary>Executes cells: execute_request, interrupt_request and history_request.</summary>
internal sealed class CellRequests(CSharpEngine engine, KernelSockets sockets, StandardInput stdin)
{
    // Requests that a client sent in one go with the failed one may still be on their way; it cannot have reacted yet.
    private static readonly TimeSpan InFlight = TimeSpan.FromMilliseconds(20);

    private readonly KernelHistory _history = new();
    private readonly Lock _lock = new();
    private CancellationTokenSource? _running;

    /// <summary>A cell failed whose client wants those after it not to run.</summary>
    public event Action? Stopped;

    /// <summary>Answers history_request.</summary>
    public Task<JsonObject?> HistoryAsync(JupyterMessage request) => Task.FromResult<JsonObject?>(_history.Reply(request.Content));

    /// <summary>Cancels the cell that runs, if one does.</summary>
    public void Interrupt()
    {
        lock (_lock)
        {
            // Not on this thread: what the cell registered for its token may take its time.
            _ = _running?.CancelAsync();
        }
    }

    /// <summary>Answers execute_request.</summary>
    public async Task<JsonObject?> ExecuteAsync(JupyterMessage request)
    {
        string code = (string?)request.Content["code"] ?? throw new ArgumentException("execute_request has no 'code'.");
        bool silent = (bool?)request.Content["silent"] ?? false;
        bool store = !silent && ((bool?)request.Content["store_history"] ?? true);
        int count = engine.ExecutionCount + 1;
        if (!silent)
        {
            sockets.Send(Channel.IOPub, "execute_input", request, new() { ["code"] = code, ["execution_count"] = count });
        }

        (CellResult result, string? text) = await RunAsync(request, code, count, silent, store);
        if (store)
        {
            _history.Add(count, code, text);
        }

        if (result.Status != CellStatus.Succeeded && ((bool?)request.Content["stop_on_error"] ?? true))
        {
            await Task.Delay(InFlight);
            Stopped?.Invoke();
        }

        return CellMessages.Reply(result, count);
    }

    private async Task<(CellResult Result, string? Text)> RunAsync(JupyterMessage request, string code, int count, bool silent, bool store)
    {
        using var interrupt = new CancellationTokenSource();
        string? text = null;
        SetRunning(interrupt);
        stdin.SetCell(request, interrupt.Token);
        try
        {
            CellResult result = await engine.ExecuteAsync(code, Publish, store, interrupt.Token);
            return (result, text);
        }
        finally
        {
            stdin.SetCell(null, default);
            SetRunning(null);
        }

        void Publish(CellOutput output)
        {
            text = output is ResultOutput shown ? shown.Data.PlainText : text;
            if (!silent)
            {
                (string type, JsonObject content) = CellMessages.Of(output, count);
                sockets.Send(Channel.IOPub, type, request, content);
            }
        }
    }

    private void SetRunning(CancellationTokenSource? interrupt)
    {
        lock (_lock)
        {
            _running = interrupt;
        }
    }
}
