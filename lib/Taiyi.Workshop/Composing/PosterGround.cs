using SkiaSharp;

namespace Taiyi.Workshop.Composing;

/// <summary>The flat shapes behind a poster's subject.</summary>
internal static class PosterGround
{
    /// <summary>Rays of two close tones from one point over the whole canvas.</summary>
    public static void Sunburst(SKCanvas canvas, PosterInks inks, SKPoint center, int rays)
    {
        canvas.Clear(inks.Light);
        using SKPathBuilder path = new();
        for (int k = 0; k < rays; k++)
        {
            path.MoveTo(center);
            path.LineTo(Far(center, k * MathF.Tau / rays));
            path.LineTo(Far(center, (k + 0.5f) * MathF.Tau / rays));
            path.Close();
        }

        using SKPath burst = path.Detach();
        Fill(canvas, inks.Dark, burst);
    }

    /// <summary>From one tone above to another below.</summary>
    public static void Gradient(SKCanvas canvas, SKColor above, SKColor below, SKRect area)
    {
        using SKPaint paint = new()
        {
            Shader = SKShader.CreateLinearGradient(new SKPoint(0, area.Top), new SKPoint(0, area.Bottom), [above, below], SKShaderTileMode.Clamp),
        };
        canvas.DrawRect(area, paint);
    }

    /// <summary>A filled circle.</summary>
    public static void Disc(SKCanvas canvas, SKColor color, SKPoint center, float radius)
    {
        using SKPaint paint = new() { Color = color, IsAntialias = true };
        canvas.DrawCircle(center, radius, paint);
    }

    /// <summary>Bands that grow thicker downwards: the sun over water.</summary>
    public static void Stripes(SKCanvas canvas, SKColor color, SKRect area)
    {
        for (int k = 0; k < 4; k++)
        {
            float y = area.Top + (k * area.Height / 4);
            Fill(canvas, color, new SKRect(area.Left, y, area.Right, y + 3 + (3 * k)));
        }
    }

    /// <summary>A filled rectangle.</summary>
    public static void Fill(SKCanvas canvas, SKColor color, SKRect area)
    {
        using SKPaint paint = new() { Color = color, IsAntialias = true };
        canvas.DrawRect(area, paint);
    }

    /// <summary>A filled outline.</summary>
    public static void Fill(SKCanvas canvas, SKColor color, SKPath path)
    {
        using SKPaint paint = new() { Color = color, IsAntialias = true };
        canvas.DrawPath(path, paint);
    }

    private static SKPoint Far(SKPoint center, float angle) => new(center.X + (800 * MathF.Cos(angle)), center.Y + (800 * MathF.Sin(angle)));
}
