using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Jupyter;

/// <summary>A cell asked for a line of the user, and the client takes no such questions.</summary>
public sealed class StdinNotImplementedException(string message) : KernelException(message);

/// <summary>
/// The answers of a cell's reader: a line is asked of the client that sent the cell (input_request on the stdin channel),
/// unless that client said <c>allow_stdin: false</c>.
/// </summary>
internal sealed class StandardInput(KernelSockets sockets) : CellInput
{
    private readonly Lock _lock = new();
    private JupyterMessage? _cell;
    private CancellationToken _interrupt;
    private TaskCompletionSource<string>? _answer;

    /// <summary>The cell whose client is asked from now on, or null between cells.</summary>
    public void SetCell(JupyterMessage? cell, CancellationToken interrupt)
    {
        lock (_lock)
        {
            (_cell, _interrupt) = (cell, interrupt);
            DropRest();
        }
    }

    /// <summary>Takes a message of the stdin channel; what answers no question is ignored.</summary>
    public void Receive(JupyterMessage message)
    {
        if (message.Type == "input_reply")
        {
            _answer?.TrySetResult(message.Content["value"]?.ToString() ?? "");
        }
    }

    /// <inheritdoc/>
    public override string? Ask(string prompt, bool isPassword)
    {
        JupyterMessage? cell;
        CancellationToken interrupt;
        var answer = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            (cell, interrupt, _answer) = (_cell, _interrupt, answer);
        }

        if (cell == null)
        {
            return null;
        }

        if (!((bool?)cell.Content["allow_stdin"] ?? true))
        {
            throw new StdinNotImplementedException("The cell asks for input, and this client answers no questions (allow_stdin is false): give the value in the cell instead.");
        }

        sockets.Send(Channel.Stdin, "input_request", cell, new() { ["prompt"] = prompt, ["password"] = isPassword });
        return answer.Task.WaitAsync(interrupt).GetAwaiter().GetResult();
    }
}
