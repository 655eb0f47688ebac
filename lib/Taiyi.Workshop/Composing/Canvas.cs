using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;
using Taiyi.Data;

namespace Taiyi.Workshop.Composing;

/// <summary>
/// A square drawing surface in memory, transparent at first. Whatever its size in pixels, the composers draw on a page of
/// <see cref="Page"/> units from left to right and from top to bottom.
/// </summary>
internal sealed class Canvas : IDisposable
{
    /// <summary>Width and height of the page in units: the size in pixels of the shipped sets.</summary>
    public const int Page = 512;

    /// <summary>The middle of the page.</summary>
    public const float Middle = Page / 2f;

    // Where a drawing of data/art lies in every picture: in the middle of the page, nine tenths of its side. The base model draws it there too.
    private static readonly SKRect DrawingPlace = SKRect.Create(0.05f * Page, 0.05f * Page, 0.9f * Page, 0.9f * Page);

    private readonly SKBitmap _bitmap;

    /// <summary>Makes a surface.</summary>
    /// <param name="size">Width and height in pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is below 16.</exception>
    public Canvas(int size)
    {
        if (size < 16)
        {
            throw new ArgumentOutOfRangeException(null, $"A composed picture has 16 pixels or more on each side, got {size}: give a larger size.");
        }

        _bitmap = new SKBitmap(new SKImageInfo(size, size, SKColorType.Rgba8888, SKAlphaType.Premul));
        Skia = new SKCanvas(_bitmap);
        Skia.Scale(size / (float)Page);
    }

    /// <summary>What to draw with, in units of the page.</summary>
    public SKCanvas Skia { get; }

    /// <summary>Width and height in pixels.</summary>
    public int Size => _bitmap.Width;

    /// <summary>Draws a drawing of the archive where every picture has it.</summary>
    public void DrawSubject(Image<Rgba32> drawing)
    {
        SKImageInfo info = new(drawing.Width, drawing.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        using SKImage image = SKImage.FromPixelCopy(info, drawing.ToBytes());
        bool shrinks = 2 * Size < drawing.Width;
        SKSamplingOptions sampling = shrinks ? new(SKFilterMode.Linear, SKMipmapMode.Linear) : new(SKCubicResampler.Mitchell);
        Skia.DrawImage(image, DrawingPlace, sampling);
    }

    /// <summary>Draws the shape of a mask of this size, 0 nothing to 255 full, in one colour, sharp or blurred.</summary>
    /// <param name="mask">One byte a pixel.</param>
    /// <param name="color">The colour and how strongly it covers.</param>
    /// <param name="down">How far below its place it is drawn.</param>
    /// <param name="blur">Standard deviation of the blur; 0 for none.</param>
    public void DrawMask(byte[] mask, SKColor color, float down = 0, float blur = 0)
    {
        using SKImage image = SKImage.FromPixelCopy(new SKImageInfo(Size, Size, SKColorType.Alpha8), mask);
        using SKImageFilter? filter = blur > 0 ? SKImageFilter.CreateBlur(blur, blur) : null;
        using SKPaint paint = new() { Color = color, ImageFilter = filter };
        Skia.DrawImage(image, SKRect.Create(0, down, Page, Page), new SKSamplingOptions(SKFilterMode.Linear), paint);
    }

    /// <summary>Fills a shape.</summary>
    public void Fill(SKPath path, SKColor color)
    {
        using SKPaint paint = new() { Color = color, IsAntialias = true };
        Skia.DrawPath(path, paint);
    }

    /// <summary>Draws a line of some width along a shape's edge, its corners round.</summary>
    public void Stroke(SKPath path, SKColor color, float width)
    {
        using SKPaint paint = new()
        {
            Color = color,
            IsAntialias = true,
            Style = SKPaintStyle.Stroke,
            StrokeWidth = width,
            StrokeJoin = SKStrokeJoin.Round,
            StrokeCap = SKStrokeCap.Round,
        };
        Skia.DrawPath(path, paint);
    }

    /// <summary>Fills a circle.</summary>
    public void Disc(SKColor color, SKPoint center, float radius)
    {
        using SKPaint paint = new() { Color = color, IsAntialias = true };
        Skia.DrawCircle(center, radius, paint);
    }

    /// <summary>How much each pixel is covered, row by row: 0 to 255.</summary>
    public byte[] Opacity()
    {
        ReadOnlySpan<byte> rgba = _bitmap.GetPixelSpan();
        byte[] opacity = new byte[Size * Size];
        for (int i = 0; i < opacity.Length; i++)
        {
            opacity[i] = rgba[(4 * i) + 3];
        }

        return opacity;
    }

    /// <summary>A copy of what was drawn on an opaque ground.</summary>
    public Image<Rgb24> ToImage()
    {
        ReadOnlySpan<byte> rgba = _bitmap.GetPixelSpan();
        byte[] rgb = new byte[3 * Size * Size];
        for (int i = 0; i < Size * Size; i++)
        {
            rgba.Slice(4 * i, 3).CopyTo(rgb.AsSpan(3 * i));
        }

        return ImageConversion.FromBytes(Size, Size, rgb);
    }

    /// <summary>
    /// The bytes of a lossy WebP file. The sets of data/ were written by this encoder (libwebp), and their READMEs give the SHA-256
    /// of their pictures: the same seed makes the same files.
    /// </summary>
    /// <param name="image">The picture.</param>
    /// <param name="quality">0 (smallest) to 100.</param>
    public static byte[] EncodeWebp(Image<Rgb24> image, int quality)
    {
        using SKBitmap bitmap = new(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (Image<Rgba32> opaque = image.CloneAs<Rgba32>())
        {
            opaque.CopyPixelDataTo(bitmap.GetPixelSpan());
        }

        using SKPixmap pixels = bitmap.PeekPixels();
        using SKData file = pixels.Encode(SKEncodedImageFormat.Webp, quality)
            ?? throw new ArgumentException($"A picture of {image.Width} x {image.Height} can't be encoded as WebP, whose sides are at most 16383 pixels.");
        return file.ToArray();
    }

    /// <summary>Frees the surface.</summary>
    public void Dispose()
    {
        Skia.Dispose();
        _bitmap.Dispose();
    }
}
