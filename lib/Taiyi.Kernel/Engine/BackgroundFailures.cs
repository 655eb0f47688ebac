using System.Runtime.ExceptionServices;

namespace Taiyi.Kernel.Engine;

/// <summary>Keeps the session alive when a thread that a cell has started ends in an exception nobody catches.</summary>
internal static class BackgroundFailures
{
    private static int s_installed;

    /// <summary>Takes over the unhandled exceptions of cells; those of the host's own threads still end the process.</summary>
    public static void Install()
    {
        if (Interlocked.Exchange(ref s_installed, 1) == 1)
        {
            return;
        }

        try
        {
            ExceptionHandling.SetUnhandledExceptionHandler(Report);
        }
        catch (InvalidOperationException)
        {
            // The host has a handler of its own: there can be one only.
        }
    }

    private static bool Report(Exception exception)
    {
        if (CellContext.Current is not { } context)
        {
            return false;
        }

        context.Output.Write("stderr", $"Unhandled on a background thread: {exception.GetType().FullName}: {exception.Message}{Environment.NewLine}");
        return true;
    }
}
