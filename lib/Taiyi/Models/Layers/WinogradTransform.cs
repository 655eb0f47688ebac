using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static Taiyi.Models.WinogradMatrices;

namespace Taiyi.Models;

/// <summary>
/// The transforms of F(4x4, 3x3), arXiv:1509.09308 section 4.3, and the products between them, for maps and filters of one size.
/// </summary>
/// <remarks>
/// The tiles of some rows are numbered through, B first and columns last, and lie in panels of 16, which is what a product
/// reads at once. The transformed data are (panels, 36, C, 16), the transformed filters of some outputs and channels
/// (36, outputs, channels), and their products (36, panels, outputs, 16). The 36 parts are a line of the cache farther from each
/// other than they need to be: at a distance of a power of two the cache would not hold them all.
/// </remarks>
/// <param name="batch">B.</param>
/// <param name="channels">C, a multiple of <see cref="Lanes"/>.</param>
/// <param name="height">H.</param>
/// <param name="width">W, at least <see cref="Lanes"/>.</param>
/// <param name="outputs">O.</param>
/// <param name="outputsAtOnce">Outputs whose filters and products are there together, a multiple of <see cref="MatrixTile.Rows"/>.</param>
internal sealed unsafe class WinogradTransform(int batch, int channels, int height, int width, int outputs, int outputsAtOnce)
{
    /// <summary>Neighbouring tiles, or channels of a filter, that are computed together.</summary>
    public const int Lanes = 8;

    /// <summary>Channels whose transformed filters are there together: a panel's share of the data stays in the nearest cache meanwhile.</summary>
    public const int ChannelsAtOnce = 160;

    private const int Points = 6, Products = Points * Points, Tile = 4, Quad = 4, Panel = MatrixTile.Columns, CacheLine = 16;

    // A multiple of Quad: those beyond the map are zero.
    private readonly int _tilesInRow = (width + (Tile * Quad) - 1) / (Tile * Quad) * Quad;

    // From one of the 36 parts to the next.
    private readonly long _dataStep = ((long)channels * Panel) + CacheLine, _filterStep = ((long)outputsAtOnce * ChannelsAtOnce) + CacheLine;

    /// <summary>Rows of tiles in a map; the last may reach beyond it.</summary>
    public int TileRows => (height + Tile - 1) / Tile;

    /// <summary>Floats of the transformed filters.</summary>
    public long FilterLength => Products * _filterStep;

    /// <summary>Floats of the transformed data of some rows.</summary>
    public long DataLength(int rows) => Panels(rows) * Products * _dataStep;

    /// <summary>Floats of the products of some rows.</summary>
    public long ProductLength(int rows) => Products * ProductStep(rows);

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
        float* columns = stackalloc float[Points * 3 * Lanes];
        long step = turned ? 9L * outputs : 9; // from one channel to the next
        weight += (turned ? output * 9 : (long)output * channels * 9) + (firstChannel * step);
        Vector256<int> lanes = Vector256<int>.Indices * (int)step;
        float* end = u + Channels(firstChannel);
        for (; u < end; u += Lanes, weight += step * Lanes)
        {
            // The filters come from far, and a gather does not tell the processor which follow.
            for (int line = 0; line < 9 * Lanes; line += CacheLine)
            {
                Sse.Prefetch0(weight + (4 * step * Lanes) + line);
            }

            for (int column = 0; column < 3; column++)
            {
                MultiplyG(Element(column), Element(3 + column), Element(6 + column), columns + (column * Lanes), 3 * Lanes);
            }

            for (int row = 0; row < Points; row++)
            {
                float* c = columns + (row * 3 * Lanes);
                MultiplyG(Load(c), Load(c + Lanes), Load(c + (2 * Lanes)), u + (row * Points * _filterStep), _filterStep);
            }
        }

        Vector256<float> Element(int number) => Avx2.GatherVector256(weight + (turned ? 8 - number : number), lanes, sizeof(float));
    }

    /// <summary>
    /// V = Bᵀ d B of one channel's tiles in some rows: (B, C, H, W) -> (panels, 36, C, 16). With a factor and a term, (B, C)
    /// each, of SiLU(factor x + term).
    /// </summary>
    public void Data(float* input, float* factor, float* term, float* v, int channel, int firstRow, int rows)
    {
        int line = (Tile * _tilesInRow) + (Tile * Lanes), planeStep = _tilesInRow + Lanes;
        float* lines = stackalloc float[Points * line], combined = stackalloc float[Points * line], planes = stackalloc float[Tile * planeStep];
        v += (long)channel * Panel;
        int tile = 0;
        for (int picture = 0; picture < batch; picture++)
        {
            int plane = (picture * channels) + channel;
            float* map = input + ((long)plane * height * width);
            for (int row = firstRow; row < firstRow + rows; row++, tile += _tilesInRow)
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
                    Row(combined + (k * line), planes, planeStep, v + (k * Points * _dataStep), tile);
                }
            }
        }
    }

    /// <summary>M = U V summed over some channels, or M + U V if they are not the first: 36 products, each (outputs, channels) x (channels, tiles).</summary>
    public void Multiply(float* u, float* v, float* m, int firstChannel, int firstOutput, int rows)
    {
        int panels = Panels(rows), count = Math.Min(outputsAtOnce, outputs - firstOutput);
        v += firstChannel * Panel;
        for (int part = 0; part < Products; part++, u += _filterStep, v += _dataStep, m += ProductStep(rows))
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

    /// <summary>Y = Aᵀ M A and the bias for some outputs' tiles in some rows: (36, panels, outputs, 16) -> (B, O, H, W).</summary>
    public void Inverse(float* m, float* bias, float* y, int firstOutput, int firstRow, int rows)
    {
        for (int output = firstOutput; output < Math.Min(outputs, firstOutput + outputsAtOnce); output++, m += Panel)
        {
            InverseOf(output, m, bias[output], y, firstRow, rows);
        }
    }

    private void InverseOf(int output, float* m, float bias, float* y, int firstRow, int rows)
    {
        float* rowsOfTiles = stackalloc float[Points * Tile * Lanes], pixels = stackalloc float[Tile * Tile * Lanes];
        long step = ProductStep(rows);
        for (int tile = 0; tile < batch * rows * _tilesInRow; tile += Lanes)
        {
            float* product = m + ((long)(tile / Panel) * outputsAtOnce * Panel) + (tile % Panel);
            for (int k = 0; k < Points; k++)
            {
                MultiplyA(product + (k * Points * step), step, rowsOfTiles + (k * Lanes), Points * Lanes); // (4, 6)
            }

            for (int x = 0; x < Tile; x++)
            {
                MultiplyA(rowsOfTiles + (x * Points * Lanes), Lanes, pixels + (x * Lanes), Tile * Lanes, bias); // (4, 4)
            }

            for (int quad = tile; quad < tile + Lanes && quad < batch * rows * _tilesInRow; quad += Quad)
            {
                (int line, int column) = Math.DivRem(quad, _tilesInRow);
                (int picture, int row) = Math.DivRem(line, rows);
                float* map = y + ((((long)picture * outputs) + output) * height * width);
                Write(pixels + (quad - tile), map, (firstRow + row) * Tile, column * Tile);
            }
        }
    }

    private int Panels(int rows) => ((batch * rows * _tilesInRow) + Panel - 1) / Panel;

    private long ProductStep(int rows) => ((long)Panels(rows) * outputsAtOnce * Panel) + CacheLine;

    private int Channels(int first) => Math.Min(ChannelsAtOnce, channels - first);

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
    private void Row(float* line, float* planes, int plane, float* v, int tile)
    {
        for (int i = 0; i <= _tilesInRow; i += Quad)
        {
            Transpose(line + (Tile * i), 4, planes + i, plane);
        }

        float* apart = stackalloc float[Points * Lanes];
        for (int i = 0; i < _tilesInRow; i += Lanes, tile += Lanes)
        {
            float* d = planes + i, to = v + Place(tile);
            // What a store has beyond the row, the next row's overwrites; but it must not go beyond the panel.
            bool crosses = tile % Panel > Panel - Lanes;
            MultiplyB(
                Load(d), Load(d + plane), Load(d + (2 * plane)), Load(d + (3 * plane)), Load(d + 1), Load(d + plane + 1),
                crosses ? apart : to, crosses ? Lanes : _dataStep);
            for (int k = 0; crosses && k < Points; k++)
            {
                Vector128.Load(apart + (k * Lanes)).Store(to + (k * _dataStep));
                if (i + Quad < _tilesInRow)
                {
                    Vector128.Load(apart + (k * Lanes) + Quad).Store(v + Place(tile + Quad) + (k * _dataStep));
                }
            }
        }
    }

    private long Place(int tile) => (tile / Panel * Products * _dataStep) + (tile % Panel);

    // Four tiles' pixels, (4, 4, 8) with the tile last, into a map, as far as they lie in it.
    private void Write(float* pixels, float* map, int row, int column)
    {
        float* beyond = stackalloc float[Tile * Quad];
        int inside = Math.Clamp(width - column, 0, Tile * Quad);
        for (int k = 0; k < Tile && row + k < height; k++)
        {
            float* line = map + ((long)(row + k) * width) + column;
            bool whole = inside == Tile * Quad;
            Transpose(pixels + (k * Tile * Lanes), Lanes, whole ? line : beyond, Tile);
            if (!whole)
            {
                new Span<float>(beyond, inside).CopyTo(new Span<float>(line, inside));
            }
        }
    }
}
