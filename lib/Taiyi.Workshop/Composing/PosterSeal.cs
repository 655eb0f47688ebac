using SkiaSharp;

namespace Taiyi.Workshop.Composing;

/// <summary>The red seal of a poster, its only words: 太乙 (Taiyi), one above the other, always in the lower right corner.</summary>
internal static class PosterSeal
{
    private const float Width = 58, Height = 96, Gap = 6;
    private static readonly SKRect Place = SKRect.Create(480 - Width, 480 - Height, Width, Height);
    private static readonly SKColor Cinnabar = SKColor.Parse("B3261E");

    // Strokes on a square of 100 by 100 units, one SVG path a character.
    private static readonly string[] Characters =
    [
        "M12 36 H88 M50 10 Q50 62 10 92 M51 44 Q62 74 92 90 M44 74 L55 88",
        "M16 20 H80 Q58 46 30 66 Q14 86 40 88 H76 Q88 88 88 70",
    ];

    /// <summary>Draws the seal unless the drawing needs its corner.</summary>
    /// <param name="page">What to draw on.</param>
    /// <param name="inks">The poster's colours.</param>
    /// <param name="distances">How far every pixel is from the drawing.</param>
    public static void DrawWhereFree(Canvas page, PosterInks inks, DistanceField distances)
    {
        float scale = distances.Size / (float)Canvas.Page;
        for (float y = Place.Top; y <= Place.Bottom; y += 2)
        {
            for (float x = Place.Left; x <= Place.Right; x += 2)
            {
                if (distances.At((int)(x * scale), (int)(y * scale)) < Gap * scale)
                {
                    return;
                }
            }
        }

        using SKPathBuilder outline = new();
        outline.AddRoundRect(Place, 7, 7);
        using SKPath stone = outline.Detach();
        page.Fill(stone, Cinnabar);
        for (int i = 0; i < Characters.Length; i++)
        {
            using SKPath strokes = SKPath.ParseSvgPathData(Characters[i]);
            strokes.Transform(SKMatrix.CreateScale(0.4f, 0.4f).PostConcat(SKMatrix.CreateTranslation(Place.Left + 9, Place.Top + 6 + (i * 44))));
            page.Stroke(strokes, inks.Paper, 5);
        }
    }
}
