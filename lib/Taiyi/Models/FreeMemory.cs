using System.Runtime.InteropServices;

namespace Taiyi.Models;

/// <summary>Memory that a large computation on the CPU may still take.</summary>
internal static partial class FreeMemory
{
    /// <summary>Bytes that neither this process nor another one uses, to within a percent of the machine's (or container's) memory.</summary>
    public static long Bytes
    {
        get
        {
            GC.Collect(0); // .NET looks at the machine's memory in every collection, and at no other time
            GCMemoryInfo info = GC.GetGCMemoryInfo(GCKind.Any);
            return info.TotalAvailableMemoryBytes - info.MemoryLoadBytes;
        }
    }

    /// <summary>
    /// Gives memory back to the system that freed tensors left in the C library's heap. glibc keeps tensors below 32 MiB there,
    /// aligned, so that the hole of one does not take another of its size: hundreds of MiB lie idle after some large layers.
    /// </summary>
    public static void ReturnUnused()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = MallocTrim(0);
        }
    }

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);
}
