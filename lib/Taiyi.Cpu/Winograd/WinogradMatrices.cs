using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Taiyi.Cpu;

/// <summary>The three matrices of F(4x4, 3x3), arXiv:1509.09308 section 4.3, times a vector, for eight filters, tiles or products at a time.</summary>
internal static unsafe class WinogradMatrices
{
    /// <summary>Bᵀ d for a tile's column d of six, with a step between the six results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyB(
        Vector256<float> d0, Vector256<float> d1, Vector256<float> d2, Vector256<float> d3, Vector256<float> d4, Vector256<float> d5, float* to, long step)
    {
        (Vector256<float> even, Vector256<float> odd) = (d4 - (d2 * 4f), d3 - (d1 * 4f));
        (Vector256<float> even2, Vector256<float> odd2) = (d4 - d2, (d3 - d1) * 2f);
        ((d0 * 4f) - (d2 * 5f) + d4).Store(to);
        (even + odd).Store(to + step);
        (even - odd).Store(to + (2 * step));
        (even2 + odd2).Store(to + (3 * step));
        (even2 - odd2).Store(to + (4 * step));
        ((d1 * 4f) - (d3 * 5f) + d5).Store(to + (5 * step));
    }

    /// <summary>G g for a filter's column g of three, with a step between the six results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyG(Vector256<float> g0, Vector256<float> g1, Vector256<float> g2, float* to, long step)
    {
        (Vector256<float> outer, Vector256<float> middle) = ((g0 + g2) * (-1f / 6), g1 * (1f / 6));
        (Vector256<float> outer2, Vector256<float> middle2) = ((g0 * (1f / 24)) + (g2 * (1f / 6)), g1 * (1f / 12));
        (g0 * 0.25f).Store(to);
        (outer - middle).Store(to + step);
        (outer + middle).Store(to + (2 * step));
        (outer2 + middle2).Store(to + (3 * step));
        (outer2 - middle2).Store(to + (4 * step));
        g2.Store(to + (5 * step));
    }

    /// <summary>Gᵀ u for a column u of six, with steps between the six elements and between the three results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyGTransposed(float* u, long from, float* to, int step)
    {
        Vector256<float> u1 = Load(u + from), u2 = Load(u + (2 * from)), u3 = Load(u + (3 * from)), u4 = Load(u + (4 * from));
        (Vector256<float> sum, Vector256<float> sum2) = ((u1 + u2) * (-1f / 6), u3 + u4);
        ((Load(u) * 0.25f) + sum + (sum2 * (1f / 24))).Store(to);
        (((u2 - u1) * (1f / 6)) + ((u3 - u4) * (1f / 12))).Store(to + step);
        (sum + (sum2 * (1f / 6)) + Load(u + (5 * from))).Store(to + (2 * step));
    }

    /// <summary>A y for an output's column y of four, with a step between the six results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyA(Vector256<float> y0, Vector256<float> y1, Vector256<float> y2, Vector256<float> y3, float* to, long step)
    {
        (Vector256<float> even, Vector256<float> odd) = (y0 + y2, y1 + y3);
        (Vector256<float> even2, Vector256<float> odd2) = (y0 + (y2 * 4f), (y1 * 2f) + (y3 * 8f));
        y0.Store(to);
        (even + odd).Store(to + step);
        (even - odd).Store(to + (2 * step));
        (even2 + odd2).Store(to + (3 * step));
        (even2 - odd2).Store(to + (4 * step));
        y3.Store(to + (5 * step));
    }

    /// <summary>Aᵀ m and a bias for a product's column m of six, with steps between the six elements and between the four results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MultiplyATransposed(float* m, long from, float* to, int step, float bias = 0)
    {
        Vector256<float> m1 = Load(m + from), m2 = Load(m + (2 * from)), m3 = Load(m + (3 * from)), m4 = Load(m + (4 * from));
        (Vector256<float> sum, Vector256<float> difference) = (m1 + m2, m1 - m2);
        (Vector256<float> sum2, Vector256<float> difference2) = (m3 + m4, m3 - m4);
        sum += Vector256.Create(bias);
        difference += Vector256.Create(bias);
        (Load(m) + sum + sum2).Store(to);
        (difference + (difference2 * 2f)).Store(to + step);
        (sum + (sum2 * 4f)).Store(to + (2 * step));
        (difference + (difference2 * 8f) + Load(m + (5 * from))).Store(to + (3 * step));
    }

    /// <summary>Two blocks of 4 x 4 elements side by side, in each of which rows and columns are exchanged.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Row0, Vector256<float> Row1, Vector256<float> Row2, Vector256<float> Row3) Transpose(
        Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<double> ab = Avx.UnpackLow(a, b).AsDouble(), cd = Avx.UnpackLow(c, d).AsDouble();
        Vector256<double> ab2 = Avx.UnpackHigh(a, b).AsDouble(), cd2 = Avx.UnpackHigh(c, d).AsDouble();
        return (
            Avx.UnpackLow(ab, cd).AsSingle(), Avx.UnpackHigh(ab, cd).AsSingle(),
            Avx.UnpackLow(ab2, cd2).AsSingle(), Avx.UnpackHigh(ab2, cd2).AsSingle());
    }

    /// <summary>The first four columns of eight rows, a step apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector256<float> Column0, Vector256<float> Column1, Vector256<float> Column2, Vector256<float> Column3) LoadColumns(float* rows, long step)
    {
        return Transpose(Pair(rows), Pair(rows + step), Pair(rows + (2 * step)), Pair(rows + (3 * step)));

        // One row of each of the two blocks.
        Vector256<float> Pair(float* row) => Vector256.Create(Vector128.Load(row), Vector128.Load(row + (4 * step)));
    }

    public static Vector256<float> Load(float* from) => Vector256.Load(from);
}
