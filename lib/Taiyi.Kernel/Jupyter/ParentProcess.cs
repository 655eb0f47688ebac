using System.Diagnostics;
using System.Globalization;

namespace Taiyi.Kernel.Jupyter;

/// <summary>The client that started this kernel: when it dies without a shutdown request, the kernel must not stay behind.</summary>
internal static class ParentProcess
{
    /// <summary>Completes when the process of JPY_PARENT_PID has ended; never where the variable is not set.</summary>
    public static async Task WaitForExitAsync(CancellationToken cancellation)
    {
        // jupyter_client sets the variable for every kernel that it starts on this machine.
        string? parent = Environment.GetEnvironmentVariable("JPY_PARENT_PID");
        if (!int.TryParse(parent, CultureInfo.InvariantCulture, out int id) || id <= 1)
        {
            await Task.Delay(Timeout.Infinite, cancellation);
        }

        try
        {
            using var process = Process.GetProcessById(id);
            await process.WaitForExitAsync(cancellation);
        }
        catch (ArgumentException)
        {
            // It has ended already.
        }
    }
}
