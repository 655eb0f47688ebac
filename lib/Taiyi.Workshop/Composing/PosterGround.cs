using SkiaSharp;

namespace Taiyi.Workshop.Composing;

/// <summary>What lies behind a poster's subject: rays, the sun, the frame.</summary>
internal static class PosterGround
{
    private const int Rays = 12;
    private const float LineWidth = 8;

    /// <summary>Rays of two close tones over the whole page.</summary>
    public static void Sunburst(Canvas page, PosterInks inks, SKPoint center)
    {
        using SKPathBuilder path = new();
        for (int k = 0; k < Rays; k++)
        {
            path.MoveTo(center);
            path.LineTo(Far(center, (k - 0.25f) * MathF.Tau / Rays));
            path.LineTo(Far(center, (k + 0.25f) * MathF.Tau / Rays));
            path.Close();
        }

        using SKPath burst = path.Detach();
        page.Skia.Clear(inks.Light);
        page.Fill(burst, inks.Dark);
    }

    /// <summary>A disc with a ring around it.</summary>
    public static void Sun(Canvas page, SKPoint center, float radius, (SKColor Disc, SKColor Ring) colors)
    {
        page.Disc(colors.Ring, center, radius);
        page.Disc(colors.Disc, center, radius - LineWidth);
    }

    /// <summary>A border of paper along the edges of the page and a dark line inside it.</summary>
    public static void Frame(Canvas page, PosterInks inks, SKRect panel)
    {
        using SKPathBuilder border = new() { FillType = SKPathFillType.EvenOdd };
        border.AddRect(SKRect.Create(Canvas.Page, Canvas.Page));
        border.AddRect(panel);
        using SKPath paper = border.Detach();
        page.Fill(paper, inks.Paper);

        using SKPathBuilder edge = new();
        edge.AddRect(SKRect.Inflate(panel, -LineWidth / 2, -LineWidth / 2));
        using SKPath line = edge.Detach();
        using SKPaint paint = new() { Color = inks.Ink, IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = LineWidth };
        page.Skia.DrawPath(line, paint);
    }

    private static SKPoint Far(SKPoint center, float angle) => new(center.X + (800 * MathF.Cos(angle)), center.Y + (800 * MathF.Sin(angle)));
}
