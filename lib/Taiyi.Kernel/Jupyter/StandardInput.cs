namespace Taiyi.Kernel.Jupyter;

/// <summary>A cell asked for a line of the user, and the client takes no such questions.</summary>
public sealed class StdinNotImplementedException(string message) : NotSupportedException(message);

/// <summary>
/// <see cref="Console.In"/> of a cell: a line is asked of the client that sent the cell (input_request on the stdin
/// channel), unless that client said <c>allow_stdin: false</c>.
/// </summary>
internal sealed class StandardInput(KernelSockets sockets) : TextReader
{
    private readonly Lock _lock = new();
    private JupyterMessage? _cell;
    private CancellationToken _interrupt;
    private TaskCompletionSource<string>? _answer;
    private string _rest = "";

    /// <summary>The cell whose client is asked from now on, or null between cells.</summary>
    public void SetCell(JupyterMessage? cell, CancellationToken interrupt)
    {
        lock (_lock)
        {
            (_cell, _interrupt, _rest) = (cell, interrupt, "");
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

    /// <summary>The next line of the user; null when no cell runs.</summary>
    public override string? ReadLine()
    {
        string rest = _rest;
        _rest = "";
        return rest.Length > 0 ? rest.TrimEnd('\n') : Ask();
    }

    /// <summary>The next character of the user's line, then its newline; -1 when no cell runs.</summary>
    public override int Read()
    {
        int next = Peek();
        _rest = next < 0 ? "" : _rest[1..];
        return next;
    }

    /// <summary>The character that <see cref="Read"/> would return.</summary>
    public override int Peek()
    {
        if (_rest.Length == 0 && Ask() is { } line)
        {
            _rest = line + "\n";
        }

        return _rest.Length > 0 ? _rest[0] : -1;
    }

    private string? Ask()
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
            throw new StdinNotImplementedException("Console.ReadLine: this client answers no questions (allow_stdin is false); give the value in the cell instead.");
        }

        sockets.Send(Channel.Stdin, "input_request", cell, new() { ["prompt"] = "", ["password"] = false });
        return answer.Task.WaitAsync(interrupt).GetAwaiter().GetResult();
    }
}
