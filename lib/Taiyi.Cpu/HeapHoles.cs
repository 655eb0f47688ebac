using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>
/// Returns to the system the memory that freed tensors leave in the C library's heap. glibc keeps blocks below 32 MiB there, aligned
/// so that a freed block's hole does not fit another of its size: the steps of a large model would leave about 1 GiB unused.
/// </summary>
internal static partial class HeapHoles
{
    // Returned memory has to be taken from the system again, so it is looked at once for so many bytes of new maps: about twice in
    // a guided step of the full model, once in some hundred of a small one.
    private const long BytesBetween = 256 << 20;

    // Less is taken again soon, and to give it back costs more than it is worth.
    private const uint IdleBytes = 128 << 20;

    // Parameters of mallopt, malloc.h.
    private const int TrimThreshold = -1, MmapThreshold = -3;

    // What is larger is taken from the system and returned when it is freed, as glibc would have it in the end anyway.
    private const int LargestInHeap = 32 << 20;

    private static long _bytes;

    /// <summary>Counts a new map, and now and then returns unused memory. In training none is returned: what a step frees, the next one takes.</summary>
    public static void Count(Tensor map)
    {
        if (!is_grad_enabled() && Interlocked.Add(ref _bytes, map.numel() * map.ElementSize) > BytesBetween)
        {
            Interlocked.Exchange(ref _bytes, 0);
            Return();
        }
    }

    /// <summary>Returns unused memory, where there is much of it.</summary>
    public static void Return()
    {
        if (OperatingSystem.IsLinux() && (uint)MallocInfo().FreeBytes > IdleBytes)
        {
            _ = MallocTrim(0);
        }
    }

    /// <summary>
    /// Keeps what is freed at the end of the heap for the next step of a training, up to 2 GiB: each step takes as much as the one before,
    /// and page faults for it cost a small network up to two fifths of its time.
    /// </summary>
    public static void Keep()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = MallocOption(MmapThreshold, LargestInHeap);
            _ = MallocOption(TrimThreshold, int.MaxValue);
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallocOption(int parameter, int value);

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
