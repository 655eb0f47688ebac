using System.Numerics;

namespace Taiyi.Workshop.Pretraining;

/// <summary>The white outline of a sticker.</summary>
internal static class PictureOutline
{
    /// <summary>Lays white on the canvas wherever the drawing is less than a radius away.</summary>
    /// <param name="canvas">Rows of pixels, red, green and blue from 0 to 1 in X, Y and Z.</param>
    /// <param name="drawing">The drawing's own layer, of the same size: its opacity in W.</param>
    /// <param name="side">Pixels in a row.</param>
    /// <param name="radius">Width of the outline in pixels.</param>
    public static void Draw(Span<Vector4> canvas, ReadOnlySpan<Vector4> drawing, int side, float radius)
    {
        int reach = (int)MathF.Ceiling(radius);
        (int X, int Y, float Weight)[] brush =
        [
            .. from y in Enumerable.Range(-reach, (2 * reach) + 1)
               from x in Enumerable.Range(-reach, (2 * reach) + 1)
               let weight = Math.Clamp(radius + 0.5f - MathF.Sqrt((x * x) + (y * y)), 0, 1)                  // softened over a pixel
               where weight > 0
               select (x, y, weight),
        ];
        float[] opacity = new float[canvas.Length];
        for (int i = 0; i < drawing.Length; i++)
        {
            if (drawing[i].W > 0.02f)
            {
                Stamp(opacity, brush, i % side, i / side, side, drawing[i].W);
            }
        }

        for (int i = 0; i < canvas.Length; i++)
        {
            canvas[i] = Vector4.Lerp(canvas[i], Vector4.One, opacity[i]);
        }
    }

    private static void Stamp(float[] opacity, (int X, int Y, float Weight)[] brush, int x, int y, int side, float strength)
    {
        foreach ((int dx, int dy, float weight) in brush)
        {
            (int column, int row) = (x + dx, y + dy);
            if ((uint)column < (uint)side && (uint)row < (uint)side)
            {
                ref float here = ref opacity[(row * side) + column];
                here = Math.Max(here, weight * strength);
            }
        }
    }
}
