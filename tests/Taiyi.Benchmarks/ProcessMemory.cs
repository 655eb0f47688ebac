using System.Globalization;
using System.Runtime.InteropServices;

namespace Taiyi.Benchmarks;

/// <summary>Memory of this process as Linux counts it, in GiB.</summary>
internal static class ProcessMemory
{
    /// <summary>What is resident now.</summary>
    public static double Resident => Read("VmRSS:");

    /// <summary>The most that was resident since <see cref="ResetPeak"/>.</summary>
    public static double Peak => Read("VmHWM:");

    /// <summary>Starts <see cref="Peak"/> anew (Linux: 5 written to clear_refs, see proc(5)).</summary>
    public static void ResetPeak()
    {
        GC.Collect();
        _ = ReturnFreed(0); // what an earlier call left with the allocator would be used again and count for nothing
        File.WriteAllText("/proc/self/clear_refs", "5");
    }

    private static double Read(string key)
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith(key, StringComparison.Ordinal));
        return double.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / (1 << 20);
    }

    [DllImport("libc", EntryPoint = "malloc_trim")]
    private static extern int ReturnFreed(nint keptBytes);
}
