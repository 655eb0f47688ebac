namespace Taiyi.Workshop.Composing;

/// <summary>How far each pixel is from a shape: what an outline is cut by, and what says where there is room beside the shape.</summary>
/// <remarks>
/// The exact Euclidean distance by two passes of lower envelopes of parabolas: P. Felzenszwalb and D. Huttenlocher, Distance
/// Transforms of Sampled Functions, Theory of Computing 8 (2012), algorithm 1.
/// </remarks>
internal sealed class DistanceField
{
    private const float Far = 1e12f; // beyond any picture, squared

    private readonly float[] _distances;

    private DistanceField(int size, float[] distances) => (Size, _distances) = (size, distances);

    /// <summary>Width and height in pixels.</summary>
    public int Size { get; }

    /// <summary>Measures a shape.</summary>
    /// <param name="opacity">size x size bytes row by row; half covered pixels (128) and above belong to the shape.</param>
    /// <param name="size">Width and height in pixels.</param>
    public static DistanceField Of(byte[] opacity, int size)
    {
        float[] squares = [.. opacity.Select(alpha => alpha >= 128 ? 0 : Far)];
        for (int x = 0; x < size; x++)
        {
            Transform(squares, x, size, size);      // columns
        }

        for (int y = 0; y < size; y++)
        {
            Transform(squares, y * size, 1, size);  // rows
        }

        return new DistanceField(size, [.. squares.Select(MathF.Sqrt)]);
    }

    /// <summary>Pixels between the middle of a pixel and that of the shape's nearest; 0 within the shape.</summary>
    public float At(int x, int y) => _distances[(y * Size) + x];

    /// <summary>The shape with a border as wide as a number of pixels, its edge softened over one pixel: 0 to 255.</summary>
    public byte[] Widen(float pixels) => [.. _distances.Select(distance => (byte)MathF.Round(255 * Math.Clamp(pixels + 1 - distance, 0, 1)))];

    // One line of squared distances d(q) = min over p of (q - p)^2 + f(p).
    private static void Transform(float[] values, int start, int step, int count)
    {
        Span<float> f = stackalloc float[count];
        Span<int> vertex = stackalloc int[count];
        Span<float> from = stackalloc float[count + 1]; // parabola k is the lowest from from[k] to from[k + 1]
        int k = 0;
        (from[0], from[1]) = (float.NegativeInfinity, float.PositiveInfinity);
        for (int q = 0; q < count; q++)
        {
            f[q] = values[start + (q * step)];
            float crossing = q == 0 ? float.NegativeInfinity : Crossing(f, q, vertex[k]);
            while (q > 0 && crossing <= from[k])
            {
                crossing = Crossing(f, q, vertex[--k]);
            }

            k = q == 0 ? 0 : k + 1;
            (vertex[k], from[k], from[k + 1]) = (q, crossing, float.PositiveInfinity);
        }

        k = 0;
        for (int q = 0; q < count; q++)
        {
            while (from[k + 1] < q)
            {
                k++;
            }

            values[start + (q * step)] = ((q - vertex[k]) * (q - vertex[k])) + f[vertex[k]];
        }
    }

    // Where the parabolas of q and p meet.
    private static float Crossing(ReadOnlySpan<float> f, int q, int p) => (float)((((double)f[q] + (q * q)) - (f[p] + (p * p))) / (2.0 * (q - p)));
}
