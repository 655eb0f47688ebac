using System.Runtime.InteropServices;

namespace Taiyi.Models;

/// <summary>Memory that a large computation on the CPU may still take.</summary>
internal static partial class FreeMemory
{
    // Less is taken again soon, and to give it back costs more than it is worth.
    private const uint IdleBytes = 128 << 20;

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
    /// Gives memory back to the system that freed tensors left in the C library's heap, where there is much of it. glibc keeps
    /// tensors below 32 MiB there, aligned, so that the hole of one does not take another of its size: a large model's steps
    /// would leave a GiB lying idle. The next step has to take it again, so it is not for what is over in milliseconds.
    /// </summary>
    public static void ReturnUnused()
    {
        if (OperatingSystem.IsLinux() && (uint)MallocInfo().FreeBytes > IdleBytes)
        {
            _ = MallocTrim(0);
        }
    }

    [LibraryImport("libc", EntryPoint = "mallinfo")]
    private static partial HeapInfo MallocInfo();

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int MallocTrim(nuint pad);

    // struct mallinfo of malloc.h: ten ints, of which the ninth, fordblks, is the sum of all free chunks.
    [StructLayout(LayoutKind.Explicit, Size = 10 * sizeof(int))]
    private readonly struct HeapInfo
    {
        [FieldOffset(8 * sizeof(int))]
        public readonly int FreeBytes;
    }
}
