using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>
/// Gives memory back to the system that freed tensors left in the C library's heap. glibc keeps tensors below 32 MiB there,
/// aligned, so that the hole of one does not take another of its size: a large model's steps would leave a GiB lying idle.
/// </summary>
internal static partial class HeapHoles
{
    // Returned memory has to be taken from the system again, so it is looked at once for so many bytes of new maps: about twice in
    // a guided step of the full model, once in some hundred of a small one.
    private const long BytesBetween = 256 << 20;

    // Less is taken again soon, and to give it back costs more than it is worth.
    private const uint IdleBytes = 128 << 20;

    private static long _bytes;

    /// <summary>Counts a new map, and now and then returns what lies idle. In training nothing is returned: what a step frees, the next one takes.</summary>
    public static void Count(Tensor map)
    {
        if (!is_grad_enabled() && Interlocked.Add(ref _bytes, map.numel() * map.ElementSize) > BytesBetween)
        {
            Interlocked.Exchange(ref _bytes, 0);
            Return();
        }
    }

    /// <summary>Returns idle memory, where there is much of it.</summary>
    public static void Return()
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
