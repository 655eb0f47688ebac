namespace Taiyi.Kernel.Engine;

/// <summary>What <see cref="Console.In"/> of a cell reads: the answers of the notebook's reader, a line at a time.</summary>
public abstract class CellInput : TextReader
{
    private string _rest = "";

    /// <summary>Asks for a line and waits for it.</summary>
    /// <param name="prompt">The question; may be empty.</param>
    /// <param name="isPassword">True when the answer is not to be seen.</param>
    /// <returns>The line without its end; null when no cell runs that could ask.</returns>
    public abstract string? Ask(string prompt, bool isPassword);

    /// <summary>The next line of the reader; null when no cell runs.</summary>
    public sealed override string? ReadLine()
    {
        string rest = _rest;
        _rest = "";
        return rest.Length > 0 ? rest.TrimEnd('\n') : Ask("", isPassword: false);
    }

    /// <summary>The next character of the reader's line, then its newline; -1 when no cell runs.</summary>
    public sealed override int Read()
    {
        int next = Peek();
        _rest = next < 0 ? "" : _rest[1..];
        return next;
    }

    /// <summary>The character that <see cref="Read"/> would return.</summary>
    public sealed override int Peek()
    {
        if (_rest.Length == 0 && Ask("", isPassword: false) is { } line)
        {
            _rest = line + "\n";
        }

        return _rest.Length > 0 ? _rest[0] : -1;
    }

    /// <summary>Forgets what an earlier cell has left unread of a line.</summary>
    protected void DropRest() => _rest = "";
}
