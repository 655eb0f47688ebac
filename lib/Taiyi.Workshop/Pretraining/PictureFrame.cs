using System.Numerics;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>A frame along the edges of a picture: a band, and inside it a line of another colour.</summary>
/// <param name="Band">Colour of the band.</param>
/// <param name="BandWidth">Its width, a share of the picture's side.</param>
/// <param name="Line">Colour of the line.</param>
/// <param name="LineWidth">Its width, a share of the picture's side.</param>
internal sealed record PictureFrame(Colour Band, float BandWidth, Colour Line, float LineWidth)
{
    /// <summary>A frame by chance: most often a pale band and a dark line.</summary>
    public static PictureFrame Draw(Random random)
    {
        Colour pale = new(random.Between(0, 360), random.Between(0, 0.2f), random.Between(0.92f, 1)), dark = new(random.Between(0, 360), random.Between(0.2f, 0.9f), random.Between(0.15f, 0.6f));
        bool dim = random.NextDouble() < 0.25;
        return new PictureFrame(dim ? dark : pale, random.Between(0.025f, 0.06f), dim ? pale : dark, random.Between(0.008f, 0.025f));
    }

    /// <summary>Lays the frame over a square of pixels, red, green and blue from 0 to 1.</summary>
    public void Draw(Span<Vector4> pixels, int side)
    {
        (Vector4 band, Vector4 line) = (Band.ToRgb(), Line.ToRgb());
        for (int i = 0; i < pixels.Length; i++)
        {
            (int y, int x) = Math.DivRem(i, side);
            float edge = Math.Min(Math.Min(x, side - 1 - x), Math.Min(y, side - 1 - y)) + 0.5f; // pixels from the nearest edge
            pixels[i] = Vector4.Lerp(pixels[i], line, Inside(edge, (BandWidth + LineWidth) * side));
            pixels[i] = Vector4.Lerp(pixels[i], band, Inside(edge, BandWidth * side));
        }
    }

    private static float Inside(float edge, float width) => Math.Clamp(width - edge + 0.5f, 0, 1);
}
