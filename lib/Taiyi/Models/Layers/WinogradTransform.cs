using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Taiyi.Models;

/// <summary>
/// The transforms of F(4x4, 3x3), arXiv:1509.09308 section 4.3, for maps of one size: each call does one channel, so that
/// channels can be shared out among threads.
/// </summary>
/// <param name="batch">B.</param>
/// <param name="height">H.</param>
/// <param name="width">W, at least <see cref="Lanes"/>.</param>
internal sealed unsafe class WinogradTransform(int batch, int height, int width)
{
    /// <summary>Elements of a transformed tile or filter, 6 x 6.</summary>
    public const int Products = Points * Points;

    /// <summary>Neighbouring tiles, or channels of a filter, that are computed together.</summary>
    public const int Lanes = 8;

    private const int Points = 6, Tile = 4;

    /// <summary>Rows of tiles in a map; the last may reach beyond it.</summary>
    public int TileRows => (height + Tile - 1) / Tile;

    /// <summary>Tiles in a row, a multiple of <see cref="Lanes"/>: those beyond the map are zero.</summary>
    public int TilesInRow => (width + (Tile * Lanes) - 1) / (Tile * Lanes) * Lanes;

    /// <summary>U = G g Gᵀ of all filters of one output: (O, C, 3, 3), or turned (C, O, 3, 3) -> (outputs, 36, C).</summary>
    public static void Filter(float* weight, float* u, int from, int to, int channels, int outputs, bool turned)
    {
        float* g = stackalloc float[9 * Lanes], columns = stackalloc float[Points * 3 * Lanes];
        long step = turned ? 9L * outputs : 9; // from one channel to the next
        weight += turned ? from * 9 : (long)from * channels * 9;
        u += (long)to * Products * channels;
        for (int channel = 0; channel < channels; channel += Lanes, weight += step * Lanes, u += Lanes)
        {
            for (int lane = 0; lane < Lanes; lane++)
            {
                for (int element = 0; element < 9; element++)
                {
                    g[(element * Lanes) + lane] = weight[(lane * step) + (turned ? 8 - element : element)];
                }
            }

            for (int column = 0; column < 3; column++)
            {
                MultiplyG(g + (column * Lanes), 3 * Lanes, columns + (column * Lanes), 3 * Lanes);
            }

            for (int row = 0; row < Points; row++)
            {
                MultiplyG(columns + (row * 3 * Lanes), Lanes, u + ((long)row * Points * channels), channels);
            }
        }
    }

    /// <summary>
    /// V = Bᵀ d B of one channel's tiles in some rows: (B, C, H, W) -> (C, 36, tiles), B first and columns last. With a factor
    /// and a term, (B, C) each, of SiLU(factor x + term).
    /// </summary>
    public void Data(float* input, float* factor, float* term, float* v, int channel, int channels, int firstRow, int rows)
    {
        int line = (Tile * TilesInRow) + (4 * Lanes), planeStep = TilesInRow + Lanes;
        float* lines = stackalloc float[Points * line], combined = stackalloc float[Points * line], planes = stackalloc float[Tile * planeStep];
        long tiles = (long)batch * rows * TilesInRow;
        v += channel * Products * tiles;
        for (int picture = 0; picture < batch; picture++)
        {
            int plane = (picture * channels) + channel;
            float* map = input + ((long)plane * height * width);
            for (int row = firstRow; row < firstRow + rows; row++, v += TilesInRow)
            {
                // The first two lines are the last two of the tiles above.
                new Span<float>(lines + (Tile * line), 2 * line).CopyTo(new Span<float>(lines, 2 * line));
                for (int k = row == firstRow ? 0 : 2; k < Points; k++)
                {
                    float* pixels = lines + (k * line) + 1; // a zero stands before the first pixel
                    CopyLine(map, (row * Tile) - 1 + k, pixels, factor, term, plane);
                }

                for (int x = 0; x < line; x += Lanes)
                {
                    float* d = lines + x;
                    MultiplyB(Load(d), Load(d + line), Load(d + (2 * line)), Load(d + (3 * line)), Load(d + (4 * line)), Load(d + (5 * line)), combined + x, line);
                }

                for (int k = 0; k < Points; k++)
                {
                    Row(combined + (k * line), planes, planeStep, v + (k * Points * tiles), tiles);
                }
            }
        }
    }

    /// <summary>Y = Aᵀ M A and the bias for one output's tiles in some rows: (36, outputs, tiles) -> (B, O, H, W).</summary>
    public void Inverse(float* m, float bias, float* output, int from, int count, int to, int outputs, int firstRow, int rows)
    {
        int line = Tile * TilesInRow;
        float* lines = stackalloc float[Tile * line], rowsOfTiles = stackalloc float[Points * Tile * Lanes], y = stackalloc float[Tile * Tile * Lanes];
        long tiles = (long)batch * rows * TilesInRow, step = count * tiles;
        m += from * tiles;
        for (int picture = 0; picture < batch; picture++)
        {
            float* map = output + ((((long)picture * outputs) + to) * height * width);
            for (int row = firstRow; row < firstRow + rows; row++)
            {
                for (int tile = 0; tile < TilesInRow; tile += Lanes, m += Lanes)
                {
                    for (int k = 0; k < Points; k++)
                    {
                        MultiplyA(m + (k * Points * step), step, rowsOfTiles + (k * Lanes), Points * Lanes); // (4, 6)
                    }

                    for (int x = 0; x < Tile; x++)
                    {
                        MultiplyA(rowsOfTiles + (x * Points * Lanes), Lanes, y + (x * Lanes), Tile * Lanes); // (4, 4)
                    }

                    for (int k = 0; k < Tile; k++)
                    {
                        Interleave(y + (k * Tile * Lanes), bias, lines + (k * line) + (Tile * tile));
                    }
                }

                for (int k = 0; k < Tile && (row * Tile) + k < height; k++)
                {
                    new Span<float>(lines + (k * line), width).CopyTo(new Span<float>(map + (((long)(row * Tile) + k) * width), width));
                }
            }
        }
    }

    // A line of pixels, zeros above and below the map.
    private void CopyLine(float* map, int y, float* to, float* factor, float* term, int plane)
    {
        float* from = map + ((long)y * width);
        if (y < 0 || y >= height)
        {
            new Span<float>(to, width).Clear();
        }
        else if (factor is null)
        {
            new Span<float>(from, width).CopyTo(new Span<float>(to, width));
        }
        else
        {
            for (int x = 0; x < width; x += Lanes)
            {
                int at = Math.Min(x, width - Lanes); // the last lanes overlap those before them
                Vector256<float> pixels = (Load(from + at) * factor[plane]) + Vector256.Create(term[plane]);
                (pixels / (Vector256<float>.One + Vector256.Exp(-pixels))).Store(to + at); // SiLU
            }
        }
    }

    // A line of pixels apart into four planes, one for each column of a tile; columns 4 and 5 are 0 and 1 of the next tile.
    private void Row(float* line, float* planes, int plane, float* v, long tiles)
    {
        for (int tile = 0; tile <= TilesInRow; tile += 4)
        {
            float* pixels = line + (Tile * tile);
            Transpose(pixels, 4, planes + tile, plane);
        }

        for (int tile = 0; tile < TilesInRow; tile += Lanes)
        {
            float* d = planes + tile;
            MultiplyB(Load(d), Load(d + plane), Load(d + (2 * plane)), Load(d + (3 * plane)), Load(d + 1), Load(d + plane + 1), v + tile, tiles);
        }
    }

    // Eight tiles' four pixels in a line side by side, with the bias.
    private static void Interleave(float* y, float bias, float* line)
    {
        for (int column = 0; column < Tile; column++)
        {
            (Load(y + (column * Lanes)) + Vector256.Create(bias)).Store(y + (column * Lanes));
        }

        Transpose(y, Lanes, line, 4);
        Transpose(y + 4, Lanes, line + 16, 4);
    }

    // 4 x 4.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose(float* from, int fromStep, float* to, int toStep)
    {
        Vector128<float> a = Vector128.Load(from), b = Vector128.Load(from + fromStep);
        Vector128<float> c = Vector128.Load(from + (2 * fromStep)), d = Vector128.Load(from + (3 * fromStep));
        (Vector128<float> ab, Vector128<float> cd) = (Sse.UnpackLow(a, b), Sse.UnpackLow(c, d));
        (Vector128<float> ab2, Vector128<float> cd2) = (Sse.UnpackHigh(a, b), Sse.UnpackHigh(c, d));
        Sse.MoveLowToHigh(ab, cd).Store(to);
        Sse.MoveHighToLow(cd, ab).Store(to + toStep);
        Sse.MoveLowToHigh(ab2, cd2).Store(to + (2 * toStep));
        Sse.MoveHighToLow(cd2, ab2).Store(to + (3 * toStep));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyG(float* g, int from, float* to, long step)
    {
        (Vector256<float> g0, Vector256<float> g1, Vector256<float> g2) = (Load(g), Load(g + from), Load(g + (2 * from)));
        (Vector256<float> outer, Vector256<float> middle) = ((g0 + g2) * (-1f / 6), g1 * (1f / 6));
        (Vector256<float> outer2, Vector256<float> middle2) = ((g0 * (1f / 24)) + (g2 * (1f / 6)), g1 * (1f / 12));
        (g0 * 0.25f).Store(to);
        (outer - middle).Store(to + step);
        (outer + middle).Store(to + (2 * step));
        (outer2 + middle2).Store(to + (3 * step));
        (outer2 - middle2).Store(to + (4 * step));
        g2.Store(to + (5 * step));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyB(
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MultiplyA(float* m, long from, float* to, int step)
    {
        Vector256<float> m1 = Load(m + from), m2 = Load(m + (2 * from)), m3 = Load(m + (3 * from)), m4 = Load(m + (4 * from));
        (Vector256<float> sum, Vector256<float> difference) = (m1 + m2, m1 - m2);
        (Vector256<float> sum2, Vector256<float> difference2) = (m3 + m4, m3 - m4);
        (Load(m) + sum + sum2).Store(to);
        (difference + (difference2 * 2f)).Store(to + step);
        (sum + (sum2 * 4f)).Store(to + (2 * step));
        (difference + (difference2 * 8f) + Load(m + (5 * from))).Store(to + (3 * step));
    }

    private static Vector256<float> Load(float* from) => Vector256.Load(from);
}
