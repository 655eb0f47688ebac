using System.Numerics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using Taiyi.Data;

namespace Taiyi.Workshop.Pretraining;

/// <summary>One drawing in memory, its colours multiplied by its opacity, ready to be laid on a ground in microseconds.</summary>
internal sealed class ArtSprite
{
    private readonly byte[] _premultiplied; // (side, side, 4)
    private readonly int _side;
    private readonly Colour[] _swatches;

    /// <summary>Keeps a drawing at a side of so many pixels.</summary>
    public ArtSprite(Image<Rgba32> drawing, int side)
    {
        // Colours are weighted by their opacity: transparent pixels lend none to their neighbours.
        using Image<Rgba32> sized = drawing.Clone(context => context.Resize(side, side, KnownResamplers.Triangle));
        _side = side;
        byte[] pixels = sized.ToBytes();
        _premultiplied = new byte[pixels.Length];
        List<Colour> swatches = [];
        for (int i = 0; i < pixels.Length; i += 4)
        {
            Span<byte> pixel = pixels.AsSpan(i, 4);
            for (int c = 0; c < 3; c++)
            {
                _premultiplied[i + c] = (byte)(((pixel[c] * pixel[3]) + 127) / 255);
            }

            _premultiplied[i + 3] = pixel[3];
            if (pixel[3] > 200 && (i / 4 % side) % 6 == 0 && (i / 4 / side) % 6 == 0)
            {
                swatches.Add(Colour.FromRgb(pixel[0] / 255f, pixel[1] / 255f, pixel[2] / 255f));
            }
        }

        _swatches = [.. swatches];
    }

    /// <summary>The colour of more than half of the drawing, its hues turned by some degrees; null where none covers so much.</summary>
    public string? DominantColour(float hueTurn)
    {
        var largest = _swatches.GroupBy(swatch => swatch.Turn(hueTurn).Name).MaxBy(group => group.Count());
        return largest?.Count() > 0.55 * _swatches.Length ? largest.Key : null;
    }

    /// <summary>Lays the drawing on a square of pixels (red, green, blue from 0 to 1 in X, Y, Z); what is outside is cut off.</summary>
    /// <param name="canvas">Rows of pixels.</param>
    /// <param name="canvasSide">Pixels in a row.</param>
    /// <param name="placement">Middle and side of the drawing as shares of the canvas.</param>
    /// <param name="mirrored">Whether left and right are exchanged.</param>
    /// <param name="hueTurn">Degrees by which every hue is turned; 0 keeps the colours.</param>
    public void Draw(Span<Vector4> canvas, int canvasSide, Placement placement, bool mirrored, float hueTurn)
    {
        float size = placement.Size * canvasSide;
        Window[] columns = Windows((placement.X * canvasSide) - (size / 2), size, canvasSide, mirrored);
        Window[] rows = Windows((placement.Y * canvasSide) - (size / 2), size, canvasSide, mirrored: false);
        if (columns.Length == 0 || rows.Length == 0)
        {
            return;
        }

        Vector4[] narrow = ResizeWidth(columns); // (side, columns), along y still as it was
        foreach (Window row in rows)
        {
            for (int x = 0; x < columns.Length; x++)
            {
                Vector4 sum = Vector4.Zero;
                for (int k = 0; k < row.Weights.Length; k++)
                {
                    sum += row.Weights[k] * narrow[((row.First + k) * columns.Length) + x];
                }

                ref Vector4 below = ref canvas[(row.Target * canvasSide) + columns[x].Target];
                below = (hueTurn == 0 ? sum : Turn(sum, hueTurn)) + (below * (1 - sum.W));
            }
        }
    }

    private Vector4[] ResizeWidth(Window[] columns)
    {
        Vector4[] narrow = new Vector4[_side * columns.Length];
        Vector4[] line = new Vector4[_side];
        for (int y = 0; y < _side; y++)
        {
            for (int x = 0; x < _side; x++)
            {
                ReadOnlySpan<byte> pixel = _premultiplied.AsSpan(4 * ((y * _side) + x), 4);
                line[x] = new Vector4(pixel[0], pixel[1], pixel[2], pixel[3]) / 255;
            }

            for (int x = 0; x < columns.Length; x++)
            {
                Vector4 sum = Vector4.Zero;
                for (int k = 0; k < columns[x].Weights.Length; k++)
                {
                    sum += columns[x].Weights[k] * line[columns[x].First + k];
                }

                narrow[(y * columns.Length) + x] = sum;
            }
        }

        return narrow;
    }

    private static Vector4 Turn(Vector4 premultiplied, float degrees)
    {
        if (premultiplied.W <= 0)
        {
            return premultiplied;
        }

        Vector4 plain = premultiplied / premultiplied.W;
        Vector4 turned = Colour.FromRgb(plain.X, plain.Y, plain.Z).Turn(degrees).ToRgb();
        return turned * premultiplied.W;
    }

    // For every canvas pixel under the drawing: the drawing's pixels under a triangle about it, which widens as the drawing
    // shrinks (antialiasing), and their weights. What the triangle has outside the drawing is transparent.
    private Window[] Windows(float left, float size, int canvasSide, bool mirrored)
    {
        float step = _side / size, reach = Math.Max(1, step);
        int from = Math.Max(0, (int)MathF.Floor(left)), to = Math.Min(canvasSide, (int)MathF.Ceiling(left + size));
        List<Window> windows = [];
        for (int target = from; target < to; target++)
        {
            float centre = (target + 0.5f - left) * step;
            centre = mirrored ? _side - centre : centre;
            int first = Math.Max(0, (int)MathF.Ceiling(centre - reach - 0.5f)), last = Math.Min(_side - 1, (int)MathF.Floor(centre + reach - 0.5f));
            if (last >= first)
            {
                float[] weights = [.. Enumerable.Range(first, last - first + 1).Select(i => Math.Max(0, 1 - (Math.Abs(i + 0.5f - centre) / reach)))];
                float whole = Math.Max(weights.Sum(), 0.5f * reach);
                windows.Add(new Window(target, first, [.. weights.Select(weight => weight / whole)]));
            }
        }

        return [.. windows];
    }

    private readonly record struct Window(int Target, int First, float[] Weights);
}
