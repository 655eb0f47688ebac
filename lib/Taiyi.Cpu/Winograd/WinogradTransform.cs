using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static Taiyi.Cpu.WinogradMatrices;

namespace Taiyi.Cpu;

/// <summary>The transforms of F(4x4, 3x3), arXiv:1509.09308 section 4.3, and the products between them, for maps and filters of one size.</summary>
/// <remarks>
/// Tiles lie in panels of 16, which is what a product reads at once. The transformed data are (panels, 36, C, 16), the transformed
/// filters of some outputs and channels (36, outputs, channels), and their products (36, panels, outputs, 16). The 36 parts are
/// one cache line farther apart than they need to be: at a distance of a power of two the cache would not hold them all.
/// </remarks>
/// <param name="tiles">Of the map and of the convolved map.</param>
/// <param name="channels">C, a multiple of <see cref="WinogradTiles.Lanes"/>.</param>
/// <param name="outputs">O.</param>
/// <param name="outputsAtOnce">Outputs whose filters and products are there together, a multiple of <see cref="MatrixTile.Rows"/>.</param>
internal sealed unsafe class WinogradTransform(WinogradTiles tiles, int channels, int outputs, int outputsAtOnce)
{
    /// <summary>Tiles, or channels in the gradient of the filters, that are multiplied together.</summary>
    public const int Panel = MatrixTile.Columns;

    /// <summary>Channels whose transformed filters are there together: a panel's share of the data stays in the nearest cache meanwhile.</summary>
    public const int ChannelsAtOnce = 160;

    /// <summary>Matrix products.</summary>
    public const int Products = Points * Points;

    /// <summary>Elements of a filter.</summary>
    public const int Taps = 9;

    /// <summary>Floats of a cache line.</summary>
    public const int CacheLine = 16;

    private const int Points = WinogradTiles.Points, Side = WinogradTiles.Side, Lanes = WinogradTiles.Lanes;

    // From one of the 36 parts to the next.
    private readonly long _dataStep = ((long)channels * Panel) + CacheLine, _filterStep = ((long)outputsAtOnce * ChannelsAtOnce) + CacheLine;

    /// <summary>Panels of all tiles.</summary>
    public int Panels => (tiles.Count + Panel - 1) / Panel;

    /// <summary>Floats of the transformed filters.</summary>
    public long FilterLength => Products * _filterStep;

    /// <summary>Floats of the transformed data of some panels.</summary>
    public long DataLength(int panels) => panels * Products * _dataStep;

    /// <summary>Floats of the products of some panels.</summary>
    public long ProductLength(int panels) => Products * ProductStep(panels);

    /// <summary>U = G g Gᵀ for some channels of some outputs: (O, C, 3, 3), or turned by 180 degrees (C, O, 3, 3) -> (36, outputs, channels).</summary>
    public void Filter(float* weight, bool turned, float* u, int firstChannel, int firstOutput)
    {
        for (int output = firstOutput; output < Math.Min(outputs, firstOutput + outputsAtOnce); output++, u += ChannelsAtOnce)
        {
            FilterOf(output, weight, turned, u, firstChannel);
        }
    }

    private void FilterOf(int output, float* weight, bool turned, float* u, int firstChannel)
    {
        float* taps = stackalloc float[Taps * Lanes], columns = stackalloc float[Points * 3 * Lanes];
        long step = turned ? (long)Taps * outputs : Taps; // from one channel to the next
        weight += (turned ? output * Taps : (long)output * channels * Taps) + (firstChannel * step);
        float* end = u + Channels(firstChannel);
        for (; u < end; u += Lanes, weight += step * Lanes)
        {
            // The filters come from far, and a step does not tell the processor which follow.
            for (int i = 0; turned && i < Lanes; i++)
            {
                Sse.Prefetch0(weight + ((Lanes + i) * step));
            }

            ReadFilters(weight, step, taps);
            for (int column = 0; column < 3; column++)
            {
                float* tap = taps + ((turned ? 2 - column : column) * Lanes);
                Vector256<float> first = Load(tap), middle = Load(tap + (3 * Lanes)), last = Load(tap + (6 * Lanes));
                MultiplyG(turned ? last : first, middle, turned ? first : last, columns + (column * Lanes), 3 * Lanes);
            }

            for (int row = 0; row < Points; row++)
            {
                float* c = columns + (row * 3 * Lanes);
                MultiplyG(Load(c), Load(c + Lanes), Load(c + (2 * Lanes)), u + (row * Points * _filterStep), _filterStep);
            }
        }
    }

    // The nine elements of eight filters, a step apart: (8, 9) -> (9, 8).
    private static void ReadFilters(float* weight, long step, float* taps)
    {
        for (int half = 0; half < Lanes; half += Lanes / 2, weight += Lanes / 2, taps += Lanes * Lanes / 2)
        {
            (Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) = LoadColumns(weight, step);
            a.Store(taps);
            b.Store(taps + Lanes);
            c.Store(taps + (2 * Lanes));
            d.Store(taps + (3 * Lanes));
        }

        for (int i = 0; i < Lanes; i++)
        {
            taps[i] = weight[i * step];
        }
    }

    /// <summary>
    /// V = Bᵀ d B of one channel's tiles in some panels: (B, C, H, W) -> (panels, 36, C, 16). With a factor and a term, (B, C)
    /// each, of SiLU(factor x + term).
    /// </summary>
    public void Data(float* input, float* factor, float* term, float* v, int channel, int firstPanel, int panels)
    {
        float* lines = stackalloc float[Points * tiles.Line], columns = stackalloc float[Points * Lanes * Lanes];
        v += (long)channel * Panel;
        int first = firstPanel * Panel, end = Math.Min(tiles.Count, first + (panels * Panel));
        WinogradTiles.Position at = tiles.At(first);
        for (int tile = first; tile < end; tile++, tiles.Advance(ref at))
        {
            if (at.Column == 0 || tile == first)
            {
                int plane = (at.Picture * channels) + channel;
                tiles.ReadLines(
                    tiles.Map(input, plane), at.Row, follows: at.Row > 0 && tile > first, lines, factor is null ? null : factor + plane, term + plane);
            }

            DataColumns(lines + (Side * at.Column), tiles.Line, columns + (tile % Lanes * Lanes));
            if (tile % Lanes == Lanes - 1 || tile == end - 1)
            {
                int panel = (tile - first) / Panel;
                DataRows(columns, v + (panel * Products * _dataStep) + (tile % Panel / Lanes * Lanes), _dataStep);
            }
        }
    }

    /// <summary>Bᵀ d for one of eight tiles: six lines of pixels, a step apart -> (6, 8, 8), of which this tile takes one in the middle.</summary>
    public static void DataColumns(float* lines, int line, float* columns) => MultiplyB(
        Load(lines), Load(lines + line), Load(lines + (2 * line)), Load(lines + (3 * line)), Load(lines + (4 * line)), Load(lines + (5 * line)),
        columns, Lanes * Lanes);

    /// <summary>The rest, (Bᵀ d) B, for eight tiles: (6, 8, 8), the pixels last, -> (36, 8), the parts a step apart.</summary>
    public static void DataRows(float* columns, float* v, long step)
    {
        for (int k = 0; k < Points; k++, columns += Lanes * Lanes, v += Points * step)
        {
            (Vector256<float> d0, Vector256<float> d1, Vector256<float> d2, Vector256<float> d3) = LoadColumns(columns, Lanes);
            (Vector256<float> d4, Vector256<float> d5, _, _) = LoadColumns(columns + Side, Lanes);
            MultiplyB(d0, d1, d2, d3, d4, d5, v, step);
        }
    }

    /// <summary>M = U V summed over some channels, or M + U V if they are not the first: 36 products, each (outputs, channels) x (channels, tiles).</summary>
    public void Multiply(float* u, float* v, float* m, int firstChannel, int firstOutput, int panels)
    {
        int count = Math.Min(outputsAtOnce, outputs - firstOutput);
        v += firstChannel * Panel;
        for (int part = 0; part < Products; part++, u += _filterStep, v += _dataStep, m += ProductStep(panels))
        {
            for (int panel = 0; panel < panels; panel++)
            {
                float* right = v + (panel * Products * _dataStep), product = m + ((long)panel * outputsAtOnce * Panel);
                for (int output = 0; output < count; output += MatrixTile.Rows)
                {
                    MatrixTile.Multiply(u + (output * ChannelsAtOnce), ChannelsAtOnce, right, product + (output * Panel), Channels(firstChannel), add: firstChannel > 0);
                }
            }
        }
    }

    /// <summary>Y = Aᵀ M A and the bias for some outputs' tiles in some panels: (36, panels, outputs, 16) -> (B, O, H, W).</summary>
    public void Inverse(float* m, float* bias, float* y, int firstOutput, int firstPanel, int panels)
    {
        for (int output = firstOutput; output < Math.Min(outputs, firstOutput + outputsAtOnce); output++, m += Panel)
        {
            InverseOf(output, m, bias[output], y, firstPanel, panels);
        }
    }

    private void InverseOf(int output, float* m, float bias, float* y, int firstPanel, int panels)
    {
        float* rows = stackalloc float[Points * Side * Lanes], pixels = stackalloc float[Side * Side * Lanes];
        int first = firstPanel * Panel, end = Math.Min(tiles.Count, first + (panels * Panel));
        long step = ProductStep(panels);
        WinogradTiles.Position at = tiles.At(first);
        for (int tile = first; tile < end; tile += Lanes)
        {
            float* product = m + ((long)((tile - first) / Panel) * outputsAtOnce * Panel) + (tile % Panel);
            for (int k = 0; k < Points; k++)
            {
                MultiplyATransposed(product + (k * Points * step), step, rows + (k * Lanes), Points * Lanes); // (4, 6)
            }

            for (int x = 0; x < Side; x++)
            {
                MultiplyATransposed(rows + (x * Points * Lanes), Lanes, pixels + (x * Lanes), Side * Lanes, bias); // (4, 4)
            }

            tiles.Write(pixels, y, outputs, output, ref at, Math.Min(Lanes, end - tile));
        }
    }

    private long ProductStep(int panels) => ((long)panels * outputsAtOnce * Panel) + CacheLine;

    private int Channels(int first) => Math.Min(ChannelsAtOnce, channels - first);
}
