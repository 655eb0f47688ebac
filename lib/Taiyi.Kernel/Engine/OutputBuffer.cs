using System.Text;

namespace Taiyi.Kernel.Engine;

/// <summary>Delivers the outputs of one cell in order; joins small writes to the console into few stream outputs.</summary>
internal sealed class OutputBuffer(Action<CellOutput> deliver)
{
    // Short enough to look immediate, long enough that a loop of 100,000 WriteLine makes hundreds of messages, not 100,000.
    private static readonly TimeSpan FlushDelay = TimeSpan.FromMilliseconds(50);
    private const int FlushLength = 32 * 1024;

    private readonly Lock _gate = new();
    private readonly StringBuilder _pending = new();
    private string _pendingStream = "";
    private Timer? _timer;
    private bool _closed;

    /// <summary>Why an output did not reach its listener, or null while all did.</summary>
    public ErrorOutput? Fault { get; private set; }

    /// <summary>Queues text of "stdout" or "stderr".</summary>
    public void Write(string stream, ReadOnlySpan<char> text)
    {
        lock (_gate)
        {
            if (_closed || text.IsEmpty)
            {
                return;
            }

            if (_pendingStream != stream)
            {
                DeliverPending();
                _pendingStream = stream;
            }

            _pending.Append(text);
            if (_pending.Length >= FlushLength)
            {
                DeliverPending();
            }
            else
            {
                _timer ??= new Timer(_ => Flush(), null, FlushDelay, Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>Delivers any output but a stream, after the text written before it.</summary>
    public void Publish(CellOutput output)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                DeliverPending();
                Deliver(output);
            }
        }
    }

    /// <summary>Delivers the text written so far.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            DeliverPending();
        }
    }

    /// <summary>Delivers a last output and drops everything after it: the cell is abandoned and its thread may still be writing.</summary>
    public void Close(CellOutput last)
    {
        lock (_gate)
        {
            DeliverPending();
            Deliver(last);
            _closed = true;
        }
    }

    private void DeliverPending()
    {
        _timer?.Dispose();
        _timer = null;
        // A character beyond the basic plane may be written half by half: the first half waits for the second.
        int length = _pending.Length > 0 && char.IsHighSurrogate(_pending[^1]) ? _pending.Length - 1 : _pending.Length;
        if (length > 0)
        {
            string text = _pending.ToString(0, length);
            _pending.Remove(0, length);
            Deliver(new StreamOutput(_pendingStream, text));
        }
    }

    // An output that cannot be delivered must not end the process when the timer brings it, nor vanish without a word.
    private void Deliver(CellOutput output)
    {
        try
        {
            deliver(output);
        }
        catch (Exception fault)
        {
            string message = $"An output of the cell could not be delivered ({output.GetType().Name}): {fault.Message}";
            Fault ??= new ErrorOutput(fault.GetType().FullName!, message, [message]);
            TryDeliver(Fault);
        }
    }

    private void TryDeliver(ErrorOutput fault)
    {
        try
        {
            deliver(fault);
        }
        catch (Exception)
        {
            // The listener takes nothing at all: the cell's result carries the fault.
        }
    }
}
