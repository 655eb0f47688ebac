using SkiaSharp;

namespace Taiyi.Workshop.Composing;

/// <summary>The small marks of mood around a sticker: sparkles, hearts, strokes of surprise.</summary>
internal static class StickerAccents
{
    /// <summary>Draws one kind of mark at both sides of the head, or none.</summary>
    public static void Draw(SKCanvas canvas, SKColor ink, Random random)
    {
        int kind = random.Next(4);
        foreach ((float x, float y, float size) in new[] { (62f, 96f, 25f), (100f, 52f, 15f), (452f, 84f, 28f), (414f, 46f, 15f) })
        {
            using SKPath? path = kind switch { 0 => Sparkle(size), 1 => Heart(size), 2 => Stroke(size, x), _ => null };
            if (path is null)
            {
                return;
            }

            path.Transform(SKMatrix.CreateTranslation(x, y));
            Paint(canvas, path, SKColors.White, SKPaintStyle.StrokeAndFill, 11);
            Paint(canvas, path, ink, SKPaintStyle.Fill, 0);
        }
    }

    /// <summary>Draws an outline with round joins.</summary>
    public static void Paint(SKCanvas canvas, SKPath path, SKColor color, SKPaintStyle style, float width)
    {
        using SKPaint paint = new() { Color = color, IsAntialias = true, Style = style, StrokeWidth = width, StrokeJoin = SKStrokeJoin.Round };
        canvas.DrawPath(path, paint);
    }

    private static SKPath Sparkle(float size)
    {
        using SKPathBuilder path = new();
        path.MoveTo(0, -size);
        foreach ((float x, float y) in new[] { (size * 0.8f, 0f), (0f, size), (-size * 0.8f, 0f), (0f, -size) })
        {
            path.QuadTo(0, 0, x, y);
        }

        path.Close();
        return path.Detach();
    }

    private static SKPath Heart(float size)
    {
        using SKPathBuilder path = new();
        path.MoveTo(0, size * 0.8f);
        path.CubicTo(-size * 1.5f, -size * 0.2f, -size * 0.7f, -size * 1.2f, 0, -size * 0.4f);
        path.CubicTo(size * 0.7f, -size * 1.2f, size * 1.5f, -size * 0.2f, 0, size * 0.8f);
        path.Close();
        return path.Detach();
    }

    // Slanting away from the middle of the picture.
    private static SKPath Stroke(float size, float x)
    {
        using SKPathBuilder path = new();
        path.AddRoundRect(SKRect.Create(-size * 0.22f, -size, size * 0.44f, size * 2), size * 0.22f, size * 0.22f);
        SKPath stroke = path.Detach();
        stroke.Transform(SKMatrix.CreateRotationDegrees(x < 256 ? -38 : 38));
        return stroke;
    }
}
