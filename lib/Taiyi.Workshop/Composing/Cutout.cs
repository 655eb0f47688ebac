using SkiaSharp;
using Taiyi.Data;

namespace Taiyi.Workshop.Composing;

/// <summary>A drawing without its empty margin, to be laid on a canvas as picture, silhouette or outline.</summary>
internal sealed class Cutout : IDisposable
{
    private static readonly SKSamplingOptions Smooth = new(SKCubicResampler.Mitchell);
    private readonly SKImage _image;

    private Cutout(SKImage image) => _image = image;

    /// <summary>Decodes a drawing and trims it to its visible pixels.</summary>
    public static Cutout Decode(byte[] file, string name)
    {
        using SKBitmap bitmap = SKBitmap.Decode(file) ?? throw new ImageFileException(name, "is not a picture.");
        using SKImage whole = SKImage.FromBitmap(bitmap);
        return new Cutout(whole.Subset(VisibleArea(bitmap)));
    }

    /// <summary>The drawing with every colour changed; the caller owns it.</summary>
    public Cutout Recolour(Func<SKColor, SKColor> change)
    {
        using SKBitmap bitmap = SKBitmap.FromImage(_image);
        bitmap.Pixels = [.. bitmap.Pixels.Select(color => color.Alpha == 0 ? color : change(color).WithAlpha(color.Alpha))];
        return new Cutout(SKImage.FromBitmap(bitmap));
    }

    /// <summary>Where the drawing comes to lie if its longer side is <paramref name="size"/> and its middle is at (x, y).</summary>
    public SKRect PlaceAt(float x, float y, float size)
    {
        float scale = size / Math.Max(_image.Width, _image.Height);
        (float width, float height) = (_image.Width * scale, _image.Height * scale);
        return SKRect.Create(x - (width / 2), y - (height / 2), width, height);
    }

    /// <summary>Draws the picture.</summary>
    public void Draw(SKCanvas canvas, SKRect place)
    {
        using SKPaint paint = new() { IsAntialias = true };
        canvas.DrawImage(_image, place, Smooth, paint);
    }

    /// <summary>Draws its shape in one colour, sharp or blurred.</summary>
    public void DrawSilhouette(SKCanvas canvas, SKRect place, SKColor color, float blur = 0)
    {
        using SKPaint paint = new()
        {
            Color = SKColors.Black.WithAlpha(color.Alpha),
            ColorFilter = SKColorFilter.CreateBlendMode(color.WithAlpha(255), SKBlendMode.SrcIn),
            ImageFilter = blur > 0 ? SKImageFilter.CreateBlur(blur, blur) : null,
            IsAntialias = true,
        };
        canvas.DrawImage(_image, place, Smooth, paint);
    }

    /// <summary>The drawing at a size, its shape widened by <paramref name="radius"/> pixels to all sides, as a sticker is cut; the caller owns it.</summary>
    public Cutout Widen(SKSizeI size, int radius)
    {
        using Canvas canvas = new(size.Width + (2 * radius), size.Height + (2 * radius));
        using SKImage stamp = Scale(size);

        // A round brush, stamped on circles that are closer together than the drawing's own details.
        for (float r = radius - 1; r > 0; r -= 6)
        {
            for (int k = 0; k < 48; k++)
            {
                float angle = k * MathF.Tau / 48;
                canvas.Skia.DrawImage(stamp, radius + (r * MathF.Cos(angle)), radius + (r * MathF.Sin(angle)), new SKSamplingOptions(SKFilterMode.Linear));
            }
        }

        return new Cutout(canvas.Snapshot());
    }

    /// <summary>Frees the pixels.</summary>
    public void Dispose() => _image.Dispose();

    private SKImage Scale(SKSizeI size)
    {
        using Canvas canvas = new(size.Width, size.Height);
        Draw(canvas.Skia, SKRect.Create(size.Width, size.Height));
        return canvas.Snapshot();
    }

    private static SKRectI VisibleArea(SKBitmap bitmap)
    {
        const byte faint = 16; // lossy compression leaves traces in the empty margin
        SKColor[] pixels = bitmap.Pixels;
        SKRectI area = new(bitmap.Width, bitmap.Height, 0, 0);
        for (int y = 0; y < bitmap.Height; y++)
        {
            for (int x = 0; x < bitmap.Width; x++)
            {
                if (pixels[(y * bitmap.Width) + x].Alpha > faint)
                {
                    area = new SKRectI(Math.Min(area.Left, x), Math.Min(area.Top, y), Math.Max(area.Right, x + 1), Math.Max(area.Bottom, y + 1));
                }
            }
        }

        // A pixel of the empty margin is kept, so that a turned drawing has smooth edges.
        SKRectI padded = SKRectI.Inflate(area, 1, 1);
        return area.Right > area.Left ? SKRectI.Intersect(padded, bitmap.Info.Rect) : bitmap.Info.Rect;
    }
}
