using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using static Taiyi.Cpu.WinogradMatrices;

namespace Taiyi.Cpu;

/// <summary>
/// The tiles of 4 x 4 pixels that the maps of a batch are cut into, numbered picture by picture and row by row, and
/// those of 6 x 6 around them that a filter of 3 x 3 sees.
/// </summary>
/// <param name="batch">B.</param>
/// <param name="height">H.</param>
/// <param name="width">W.</param>
internal sealed unsafe class WinogradTiles(int batch, int height, int width)
{
    /// <summary>Pixels of a side.</summary>
    public const int Side = 4;

    /// <summary>The same with the pixels around.</summary>
    public const int Points = Side + 2;

    /// <summary>Tiles, or channels of one tile, that are computed together.</summary>
    public const int Lanes = 8;

    /// <summary>Rows of tiles in a picture; the last may reach beyond it.</summary>
    public int Rows => (height + Side - 1) / Side;

    /// <summary>Tiles in a row; the last may reach beyond the picture.</summary>
    public int Columns => (width + Side - 1) / Side;

    /// <summary>Tiles of all pictures.</summary>
    public int Count => batch * Rows * Columns;

    /// <summary>Floats of one of the six lines of pixels that <see cref="ReadLines"/> reads.</summary>
    public int Line => ((Side * Columns) + Side + Lanes - 1) / Lanes * Lanes;

    /// <summary>The position of a tile.</summary>
    public Position At(int tile)
    {
        (int line, int column) = Math.DivRem(tile, Columns);
        (int picture, int row) = Math.DivRem(line, Rows);
        return new Position(picture, row, column);
    }

    /// <summary>The tile after this one.</summary>
    public void Advance(ref Position position)
    {
        if (++position.Column == Columns)
        {
            (position.Column, position.Row) = (0, position.Row + 1);
            if (position.Row == Rows)
            {
                (position.Row, position.Picture) = (0, position.Picture + 1);
            }
        }
    }

    /// <summary>One map of several, each (H, W).</summary>
    public float* Map(float* maps, int number) => maps + ((long)number * height * width);

    /// <summary>The six lines of pixels of a row of tiles, zeros around the map; with a factor and a term, of SiLU(factor x + term).</summary>
    /// <param name="map">(H, W).</param>
    /// <param name="row">Of tiles.</param>
    /// <param name="follows">Whether the lines are still those of the row above, of which this one shares two.</param>
    /// <param name="lines">(6, <see cref="Line"/>): tile i's six columns begin at 4 i.</param>
    /// <param name="factor">One number, or null for x itself.</param>
    /// <param name="term">One number.</param>
    public void ReadLines(float* map, int row, bool follows, float* lines, float* factor = null, float* term = null)
    {
        if (follows)
        {
            new Span<float>(lines + (Side * Line), 2 * Line).CopyTo(new Span<float>(lines, 2 * Line));
        }

        for (int k = follows ? 2 : 0; k < Points; k++)
        {
            int y = (row * Side) - 1 + k;
            Span<float> line = new(lines + (k * Line), Line);
            if (y < 0 || y >= height)
            {
                line.Clear();
                continue;
            }

            CopyPixels(map + ((long)y * width), lines + (k * Line) + 1);
            if (factor is not null)
            {
                NormActivate(lines + (k * Line), *factor, *term);
            }

            line[0] = 0;
            line[(1 + width)..].Clear();
        }
    }

    /// <summary>The pixels of some tiles of one channel, zeros beyond the map: (B, C, H, W) -> (4, 8, 4), the second the tile.</summary>
    public void Read(float* maps, int channels, int channel, ref Position at, int count, float* pixels)
    {
        for (int i = 0; i < count; i++, pixels += Side, Advance(ref at))
        {
            float* map = PixelsAt(maps, channels, channel, at);
            bool whole = IsWhole(at);
            for (int row = 0; row < Side; row++, map += width)
            {
                Vector128<float> line = whole ? Vector128.Load(map) : LineInside(map, at, row);
                line.Store(pixels + (row * Side * Lanes));
            }
        }
    }

    /// <summary>Pixels into one channel's map, as far as the tiles lie in it: (4, 4, 8), the tile last, -> (B, C, H, W).</summary>
    public void Write(float* pixels, float* maps, int channels, int channel, ref Position at, int count)
    {
        float** to = stackalloc float*[Lanes];
        float* apart = stackalloc float[Lanes * Side * Side];
        Position first = at;
        bool whole = count == Lanes;
        for (int i = 0; i < count; i++, Advance(ref at))
        {
            to[i] = PixelsAt(maps, channels, channel, at);
            whole &= IsWhole(at);
        }

        for (int i = 0; !whole && i < Lanes; i++)
        {
            to[i] = apart + (i * Side * Side);
        }

        int step = whole ? width : Side;
        for (int row = 0; row < Side; row++, pixels += Side * Lanes)
        {
            (Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) =
                Transpose(Load(pixels), Load(pixels + Lanes), Load(pixels + (2 * Lanes)), Load(pixels + (3 * Lanes)));
            StorePair(a, to, row * step);
            StorePair(b, to + 1, row * step);
            StorePair(c, to + 2, row * step);
            StorePair(d, to + 3, row * step);
        }

        for (int i = 0; !whole && i < count; i++, Advance(ref first))
        {
            float* map = PixelsAt(maps, channels, channel, first);
            for (int row = 0; row < Side && (first.Row * Side) + row < height; row++)
            {
                new Span<float>(apart + (((i * Side) + row) * Side), PixelsInside(first)).CopyTo(new Span<float>(map + ((long)row * width), Side));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePair(Vector256<float> pair, float** to, int offset)
    {
        pair.GetLower().Store(to[0] + offset);
        pair.GetUpper().Store(to[Lanes / 2] + offset);
    }

    // A line of the map. Of short ones a call of the runtime's own copy takes longer than the copy.
    private void CopyPixels(float* from, float* to)
    {
        if (width < Lanes)
        {
            new Span<float>(from, width).CopyTo(new Span<float>(to, width));
            return;
        }

        for (int x = 0; x < width; x += Lanes)
        {
            int at = Math.Min(x, width - Lanes); // the last ones overlap those before them
            Load(from + at).Store(to + at);
        }
    }

    private Vector128<float> LineInside(float* map, Position at, int row)
    {
        Vector128<float> line = default;
        if ((at.Row * Side) + row < height)
        {
            new Span<float>(map, PixelsInside(at)).CopyTo(new Span<float>(&line, Side));
        }

        return line;
    }

    // Of the whole line, although the caller clears what is beyond the pixels.
    private void NormActivate(float* line, float factor, float term)
    {
        for (int x = 0; x < Line; x += Lanes)
        {
            Vector256<float> pixels = (Load(line + x) * factor) + Vector256.Create(term);
            (pixels / (Vector256<float>.One + Vector256.Exp(-pixels))).Store(line + x); // SiLU
        }
    }

    private float* PixelsAt(float* maps, int channels, int channel, Position position) =>
        Map(maps, (position.Picture * channels) + channel) + ((long)position.Row * Side * width) + (position.Column * Side);

    private int PixelsInside(Position position) => Math.Min(Side, width - (position.Column * Side));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsWhole(Position position) => (position.Row + 1) * Side <= height && (position.Column + 1) * Side <= width;

    /// <summary>A tile's picture, row and column.</summary>
    public record struct Position(int Picture, int Row, int Column);
}
