using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;
using Taiyi.Data;

namespace Taiyi.Workshop.Composing;

/// <summary>A drawing surface in memory, transparent at first.</summary>
internal sealed class Canvas : IDisposable
{
    private readonly SKBitmap _bitmap;

    /// <summary>Makes a surface.</summary>
    public Canvas(int width, int height)
    {
        _bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Premul));
        Skia = new SKCanvas(_bitmap);
    }

    /// <summary>What to draw with.</summary>
    public SKCanvas Skia { get; }

    /// <summary>A copy of what was drawn, with its transparency; the caller owns it.</summary>
    public SKImage Snapshot() => SKImage.FromBitmap(_bitmap);

    /// <summary>A copy of what was drawn on an opaque ground.</summary>
    public Image<Rgb24> ToImage()
    {
        ReadOnlySpan<byte> rgba = _bitmap.GetPixelSpan();
        byte[] rgb = new byte[rgba.Length / 4 * 3];
        for (int i = 0; i < rgba.Length / 4; i++)
        {
            rgba.Slice(4 * i, 3).CopyTo(rgb.AsSpan(3 * i));
        }

        return ImageConversion.FromBytes(_bitmap.Width, _bitmap.Height, rgb);
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
