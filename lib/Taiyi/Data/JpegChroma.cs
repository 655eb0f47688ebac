using System.Numerics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Data;

/// <summary>
/// Colours between the samples of a JPEG that stores one colour for two or four pixels: interpolated, as libjpeg and therefore
/// Pillow and all trainers built on it do. ImageSharp repeats the sample, which is off by dozens of levels at edges.
/// </summary>
/// <remarks>
/// JFIF's Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B - Y) / 1.772, Cr = (R - Y) / 1.402. Weights 3/4 and 1/4 along each axis that is
/// halved: "fancy upsampling" of IJG's libjpeg, jdsample.c.
/// </remarks>
internal static class JpegChroma
{
    /// <summary>Changes the picture in place if its file stores fewer colours than pixels.</summary>
    /// <param name="image">As decoded from a JPEG file, not turned yet.</param>
    public static void Interpolate(Image<Rgba32> image)
    {
        (int across, int down) = image.Metadata.GetJpegMetadata().ColorType switch
        {
            JpegColorType.YCbCrRatio420 => (2, 2),
            JpegColorType.YCbCrRatio422 => (2, 1),
            _ => (1, 1),
        };
        if (across > 1)
        {
            Write(image, Read(image, across, down), across, down);
        }
    }

    // (Cb, Cr) of each block of pixels that share them.
    private static Vector2[,] Read(Image<Rgba32> image, int across, int down)
    {
        Vector2[,] chroma = new Vector2[(image.Height + down - 1) / down, (image.Width + across - 1) / across];
        float[,] weights = new float[chroma.GetLength(0), chroma.GetLength(1)];
        image.ProcessPixelRows(rows =>
        {
            for (int y = 0; y < rows.Height; y++)
            {
                Span<Rgba32> row = rows.GetRowSpan(y);
                for (int x = 0; x < row.Length; x++)
                {
                    // A colour that was clipped at 0 or 255 has lost its chroma: the other pixels of the block tell it better.
                    float weight = IsClipped(row[x]) ? 1e-3f : 1;
                    chroma[y / down, x / across] += weight * ChromaOf(row[x]);
                    weights[y / down, x / across] += weight;
                }
            }
        });
        for (int y = 0; y < chroma.GetLength(0); y++)
        {
            for (int x = 0; x < chroma.GetLength(1); x++)
            {
                chroma[y, x] /= weights[y, x];
            }
        }

        return chroma;
    }

    private static void Write(Image<Rgba32> image, Vector2[,] chroma, int across, int down) => image.ProcessPixelRows(rows =>
    {
        for (int y = 0; y < rows.Height; y++)
        {
            Span<Rgba32> row = rows.GetRowSpan(y);
            (int near, int far) = Neighbours(y, down, chroma.GetLength(0));
            for (int x = 0; x < row.Length; x++)
            {
                (int nearX, int farX) = Neighbours(x, across, chroma.GetLength(1));
                Vector2 here = ((9 * chroma[near, nearX]) + (3 * (chroma[near, farX] + chroma[far, nearX])) + chroma[far, farX]) / 16;
                row[x] = ColourOf(LumaOf(row[x]), here);
            }
        }
    });

    // The sample that a pixel lies in, and the next one on the pixel's side; at the border the same again.
    private static (int Near, int Far) Neighbours(int pixel, int factor, int count)
    {
        int near = pixel / factor;
        return (near, factor == 1 ? near : Math.Clamp(near + (pixel % 2 == 0 ? -1 : 1), 0, count - 1));
    }

    private static bool IsClipped(Rgba32 pixel) => pixel.R is 0 or 255 || pixel.G is 0 or 255 || pixel.B is 0 or 255;

    private static float LumaOf(Rgba32 pixel) => (0.299f * pixel.R) + (0.587f * pixel.G) + (0.114f * pixel.B);

    private static Vector2 ChromaOf(Rgba32 pixel)
    {
        float luma = LumaOf(pixel);
        return new Vector2((pixel.B - luma) / 1.772f, (pixel.R - luma) / 1.402f);
    }

    private static Rgba32 ColourOf(float luma, Vector2 chroma) => new(
        Level(luma + (1.402f * chroma.Y)), Level(luma - (0.344136f * chroma.X) - (0.714136f * chroma.Y)), Level(luma + (1.772f * chroma.X)));

    private static byte Level(float value) => (byte)Math.Clamp(value + 0.5f, 0, 255);
}
