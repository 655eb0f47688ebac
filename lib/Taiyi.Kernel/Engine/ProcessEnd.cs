using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Taiyi.Kernel.Engine;

/// <summary>Tells of a cell that ends the process by <see cref="Environment.Exit"/>: all that follows it is lost, and nobody else could say why.</summary>
/// <remarks>The runtime raises its event on a thread of its own, so the cells that are running then are known by this list alone.</remarks>
internal static class ProcessEnd
{
    /// <summary>The exit code of such a process where the cell gave 0.</summary>
    private const int CellFailed = 2;

    private const string Sentence = "The cell called Environment.Exit, which ends the kernel's process: no cell after it can run. Let the cell return or throw instead.";

    private static readonly ConcurrentDictionary<CellContext, bool> Running = new();
    private static PosixSignalRegistration? s_terminate;
    private static bool s_isTerminated;
    private static int s_installed;

    /// <summary>Called after the error was shown in the cell; the last chance to write something down.</summary>
    public static event Action<ErrorOutput>? Ending;

    /// <summary>Says that a cell runs, until the result is disposed.</summary>
    public static IDisposable While(CellContext cell)
    {
        if (Interlocked.Exchange(ref s_installed, 1) == 0)
        {
            s_terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => s_isTerminated = true); // the end from outside is no cell's
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Tell();
        }

        Running.TryAdd(cell, true);
        return new Ended(cell);
    }

    private static void Tell()
    {
        if (s_isTerminated || Running.IsEmpty)
        {
            return;
        }

        if (Environment.ExitCode == 0)
        {
            Environment.ExitCode = CellFailed;
        }

        ErrorOutput error = new(nameof(CellException), Sentence, [Sentence]);
        foreach (CellContext cell in Running.Keys)
        {
            cell.Output.Publish(error);
        }

        Ending?.Invoke(error);
    }

    private sealed class Ended(CellContext cell) : IDisposable
    {
        public void Dispose() => Running.TryRemove(cell, out _);
    }
}
