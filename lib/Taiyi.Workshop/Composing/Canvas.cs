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
    public RgbImage ToImage()
    {
        ReadOnlySpan<byte> rgba = _bitmap.GetPixelSpan();
        byte[] rgb = new byte[rgba.Length / 4 * 3];
        for (int i = 0; i < rgba.Length / 4; i++)
        {
            rgba.Slice(4 * i, 3).CopyTo(rgb.AsSpan(3 * i));
        }

        return new RgbImage(_bitmap.Width, _bitmap.Height, rgb);
    }

    /// <summary>Frees the surface.</summary>
    public void Dispose()
    {
        Skia.Dispose();
        _bitmap.Dispose();
    }
}
