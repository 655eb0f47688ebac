using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>A small piece of a matrix product in float32, whose sums stay in the processor's registers from first to last.</summary>
/// <remarks>
/// Van Zee and van de Geijn, "BLIS: A Framework for Rapidly Instantiating BLAS Functionality", 2015, section 4: 12 of the 16 vector
/// registers hold sums, two a row of the right side, one an element of the left.
/// </remarks>
internal static unsafe class MatrixTile
{
    /// <summary>Rows of the left side and of the product.</summary>
    public const int Rows = 6;

    /// <summary>Columns of the right side and of the product: two vectors.</summary>
    public const int Columns = 16;

    private const int Lanes = 8;

    /// <summary>Whether the processor has the instructions (AVX2 and FMA).</summary>
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>The address of a contiguous float32 tensor's elements: native memory, which no garbage collection moves. Null for no tensor.</summary>
    public static float* Floats(Tensor? tensor) =>
        tensor is null ? null : (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));

    /// <summary>C = A B, or C + A B.</summary>
    /// <param name="a">(Rows, length), a row <paramref name="aStep"/> floats after the other.</param>
    /// <param name="aStep">At least <paramref name="length"/>.</param>
    /// <param name="b">(length, Columns).</param>
    /// <param name="c">(Rows, Columns).</param>
    /// <param name="length">Terms of each sum.</param>
    /// <param name="add">Whether to add to what C holds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* a, long aStep, float* b, float* c, long length, bool add)
    {
        Vector256<float> c0 = default, c1 = default, c2 = default, c3 = default, c4 = default, c5 = default; // columns 0 to 7
        Vector256<float> d0 = default, d1 = default, d2 = default, d3 = default, d4 = default, d5 = default; // columns 8 to 15
        float* end = a + length, a3 = a + (3 * aStep);
        for (; a < end; a++, a3++, b += Columns)
        {
            Vector256<float> low = Vector256.Load(b), high = Vector256.Load(b + Lanes), x = Vector256.Create(*a);
            (c0, d0) = (Fma.MultiplyAdd(x, low, c0), Fma.MultiplyAdd(x, high, d0));
            x = Vector256.Create(a[aStep]);
            (c1, d1) = (Fma.MultiplyAdd(x, low, c1), Fma.MultiplyAdd(x, high, d1));
            x = Vector256.Create(a[2 * aStep]);
            (c2, d2) = (Fma.MultiplyAdd(x, low, c2), Fma.MultiplyAdd(x, high, d2));
            x = Vector256.Create(*a3);
            (c3, d3) = (Fma.MultiplyAdd(x, low, c3), Fma.MultiplyAdd(x, high, d3));
            x = Vector256.Create(a3[aStep]);
            (c4, d4) = (Fma.MultiplyAdd(x, low, c4), Fma.MultiplyAdd(x, high, d4));
            x = Vector256.Create(a3[2 * aStep]);
            (c5, d5) = (Fma.MultiplyAdd(x, low, c5), Fma.MultiplyAdd(x, high, d5));
        }

        Store(c, c0, d0, add);
        Store(c + Columns, c1, d1, add);
        Store(c + (2 * Columns), c2, d2, add);
        Store(c + (3 * Columns), c3, d3, add);
        Store(c + (4 * Columns), c4, d4, add);
        Store(c + (5 * Columns), c5, d5, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, Vector256<float> low, Vector256<float> high, bool add)
    {
        (add ? low + Vector256.Load(to) : low).Store(to);
        (add ? high + Vector256.Load(to + Lanes) : high).Store(to + Lanes);
    }
}
