namespace Taiyi.Data;

/// <summary>A decoded picture with transparency: 8-bit red, green, blue and opacity, colours not multiplied by it, rows from the top.</summary>
public sealed class RgbaImage
{
    /// <summary>Wraps pixels; the array is not copied.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="pixels">Bytes R, G, B, A of each pixel, row by row: width x height x 4 of them.</param>
    /// <exception cref="ArgumentException">The array's length does not fit the size.</exception>
    public RgbaImage(int width, int height, byte[] pixels)
    {
        if (width < 1 || height < 1 || pixels.Length != 4L * width * height)
        {
            throw new ArgumentException($"A picture of {width} x {height} has {4L * width * height} bytes of RGBA, got {pixels.Length}.", nameof(pixels));
        }

        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Bytes R, G, B, A of each pixel, row by row from the top.</summary>
    public byte[] Pixels { get; }

    /// <summary>The picture at another size, with antialiasing where it shrinks; transparent pixels lend no colour to their neighbours.</summary>
    public RgbaImage Resize(int width, int height)
    {
        byte[] weighted = (byte[])Pixels.Clone();
        for (int i = 0; i < weighted.Length; i++)
        {
            int opacity = Pixels[i | 3];
            weighted[i] = (i & 3) == 3 ? (byte)opacity : (byte)(((Pixels[i] * opacity) + 127) / 255);
        }

        byte[] resized = BilinearResampler.Resize(weighted, 4, Width, Height, width, height);
        for (int i = 0; i < resized.Length; i++)
        {
            int opacity = resized[i | 3];
            if ((i & 3) != 3 && opacity > 0)
            {
                resized[i] = (byte)Math.Min(255, ((resized[i] * 255) + (opacity / 2)) / opacity);
            }
        }

        return new RgbaImage(width, height, resized);
    }

    /// <summary>Laid on a picture, its upper left corner at (left, top); what lies outside the ground is cut off.</summary>
    /// <returns>A new picture of the ground's size.</returns>
    public RgbImage Over(RgbImage ground, int left = 0, int top = 0)
    {
        byte[] result = (byte[])ground.Pixels.Clone();
        for (int y = Math.Max(0, -top); y < Math.Min(Height, ground.Height - top); y++)
        {
            for (int x = Math.Max(0, -left); x < Math.Min(Width, ground.Width - left); x++)
            {
                int from = 4 * ((y * Width) + x);
                int to = 3 * (((top + y) * ground.Width) + left + x);
                int opacity = Pixels[from + 3];
                for (int c = 0; c < 3; c++)
                {
                    result[to + c] = (byte)(((Pixels[from + c] * opacity) + (result[to + c] * (255 - opacity)) + 127) / 255);
                }
            }
        }

        return new RgbImage(ground.Width, ground.Height, result);
    }

    /// <summary>Laid on a plain ground of the same size.</summary>
    public RgbImage Over(byte red, byte green, byte blue)
    {
        byte[] ground = new byte[3 * Width * Height];
        for (int i = 0; i < ground.Length; i += 3)
        {
            (ground[i], ground[i + 1], ground[i + 2]) = (red, green, blue);
        }

        return Over(new RgbImage(Width, Height, ground));
    }

    /// <summary>The colours alone: what was transparent appears in whatever colour the file has there.</summary>
    public RgbImage DropAlpha()
    {
        byte[] rgb = new byte[3 * Width * Height];
        for (int i = 0; i < Width * Height; i++)
        {
            Pixels.AsSpan(4 * i, 3).CopyTo(rgb.AsSpan(3 * i));
        }

        return new RgbImage(Width, Height, rgb);
    }
}
