using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using NetMQ;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Jupyter;

/// <summary>
/// The C# kernel of Jupyter clients, over one <see cref="CSharpEngine"/>
/// (<see href="https://jupyter-client.readthedocs.io/en/stable/messaging.html">Jupyter messaging protocol 5.4</see>).
/// </summary>
public sealed class JupyterKernel : IDisposable
{
    // Time for a cancelled cell to end and for the last replies before the sockets close.
    private static readonly TimeSpan ShutdownWait = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _shutdown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CSharpEngine _engine;
    private readonly KernelSockets _sockets;
    private readonly StandardInput _stdin;
    private readonly CellRequests _cells;
    private readonly RequestLoop _shell;
    private readonly RequestLoop _control;

    /// <summary>Binds the sockets; <see cref="RunAsync(CancellationToken)"/> begins to answer.</summary>
    /// <param name="connection">The addresses and the key.</param>
    /// <param name="workingDirectory">The folder that relative paths of a cell mean.</param>
    /// <param name="host">What the program around wants done in the session; null for nothing.</param>
    /// <exception cref="JupyterException">An address cannot be bound.</exception>
    public JupyterKernel(ConnectionFile connection, string workingDirectory, EngineHost? host = null)
    {
        _sockets = new KernelSockets(connection);
        _stdin = new StandardInput(_sockets);
        _engine = new CSharpEngine(workingDirectory, host) { Input = _stdin };
        _cells = new CellRequests(_engine, _sockets, _stdin);
        _shell = new RequestLoop(_sockets, Channel.Shell, ShellHandlers(new LanguageRequests(_engine)));
        _control = new RequestLoop(_sockets, Channel.Control, ControlHandlers());
        _cells.Stopped += _shell.AbortWaiting;
        _sockets.ShellReceived += _shell.Post;
        _sockets.ControlReceived += _control.Post;
        _sockets.StdinReceived += _stdin.Receive;
    }

    /// <summary>How many messages were thrown away because their signature was wrong or they could not be read.</summary>
    public long DroppedMessages => _sockets.DroppedMessages;

    /// <summary>
    /// Runs the kernel of this process until a client shuts it down, the client's process ends or the token is
    /// cancelled. SIGINT interrupts the running cell.
    /// </summary>
    /// <param name="connectionFile">Path of the file that the client wrote.</param>
    /// <param name="host">What the program around wants done in the session; null for nothing.</param>
    /// <param name="cancellation">Ends the kernel.</param>
    /// <exception cref="JupyterException">The file cannot be read or its addresses cannot be bound.</exception>
    public static async Task RunAsync(string connectionFile, EngineHost? host = null, CancellationToken cancellation = default)
    {
        using (var kernel = new JupyterKernel(ConnectionFile.Read(connectionFile), Environment.CurrentDirectory, host))
        using (var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
        using (PosixSignalRegistration.Create(PosixSignal.SIGINT, kernel.InterruptOn))
        {
            ProcessEnd.Ending += _ => kernel._sockets.StopAsync().Wait(ShutdownWait); // the error of the cell is still to be sent
            _ = ParentProcess.WaitForExitAsync(end.Token).ContinueWith(_ => end.CancelAsync(), TaskScheduler.Default);
            await kernel.RunAsync(end.Token);
        }

        // The last messages are still in the sockets: the process must not end before they are sent.
        NetMQConfig.Cleanup(block: true);
    }

    /// <summary>Answers requests until a client shuts the kernel down or the token is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        _sockets.Start();
        _sockets.Send(Channel.IOPub, "status", null, new() { ["execution_state"] = "starting" });
        _control.Start();
        _shell.Start();
        await Task.WhenAny(_shutdown.Task, Task.Delay(Timeout.Infinite, cancellation));
        _cells.Interrupt();
        _shell.Stop(ShutdownWait);
        _control.Stop(ShutdownWait);
        await _sockets.StopAsync();
    }

    /// <summary>Closes the sockets and ends the engine.</summary>
    public void Dispose()
    {
        _sockets.Dispose();
        _engine.Dispose();
    }

    private Dictionary<string, RequestHandler> ShellHandlers(LanguageRequests language) => new()
    {
        ["kernel_info_request"] = _ => Task.FromResult<JsonObject?>(KernelInfo.Reply()),
        ["execute_request"] = _cells.ExecuteAsync,
        ["history_request"] = _cells.HistoryAsync,
        ["complete_request"] = language.CompleteAsync,
        ["inspect_request"] = language.InspectAsync,
        ["is_complete_request"] = LanguageRequests.IsCompleteAsync,
        ["comm_info_request"] = _ => Task.FromResult<JsonObject?>(new() { ["status"] = "ok", ["comms"] = new JsonObject() }),
        ["comm_open"] = CloseComm,
        ["shutdown_request"] = Shutdown,
    };

    private Dictionary<string, RequestHandler> ControlHandlers() => new()
    {
        ["kernel_info_request"] = _ => Task.FromResult<JsonObject?>(KernelInfo.Reply()),
        ["interrupt_request"] = Interrupt,
        ["shutdown_request"] = Shutdown,
    };

    private Task<JsonObject?> Interrupt(JupyterMessage request)
    {
        _cells.Interrupt();
        return Task.FromResult<JsonObject?>(new() { ["status"] = "ok" });
    }

    private Task<JsonObject?> Shutdown(JupyterMessage request)
    {
        // The loop sends the reply before it obeys Stop.
        _shutdown.TrySetResult();
        return Task.FromResult<JsonObject?>(new() { ["status"] = "ok", ["restart"] = (bool?)request.Content["restart"] ?? false });
    }

    // No widget lives in this kernel: whoever opens a comm learns at once that nobody listens.
    private Task<JsonObject?> CloseComm(JupyterMessage request)
    {
        _sockets.Send(Channel.IOPub, "comm_close", request, new() { ["comm_id"] = request.Content["comm_id"]?.DeepClone(), ["data"] = new JsonObject() });
        return Task.FromResult<JsonObject?>(null);
    }

    private void InterruptOn(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _cells.Interrupt();
    }
}
