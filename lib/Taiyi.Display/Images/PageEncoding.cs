using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Display;

/// <summary>How a picture is stored in a page. A notebook with its outputs lies in a repository, so bytes count.</summary>
internal static class PageEncoding
{
    // Below this a PNG is small enough, whatever a JPEG would save.
    private const int SmallPng = 4096;
    private const double WorthIt = 0.7;

    // A picture that takes more than half a byte a pixel is noise to a good part, in which nobody misses a level or two.
    private const double Noisy = 0.5;

    // Colours in full resolution: at this quality levels differ by two or three, which no eye sees beside the original.
    private static readonly JpegEncoder OfDrawings = new() { Quality = 85, ColorType = JpegColorType.YCbCrRatio444 };
    private static readonly JpegEncoder OfNoise = new() { Quality = 70, ColorType = JpegColorType.YCbCrRatio420 };

    /// <summary>PNG where numbers are looked at or little would be saved, else JPEG.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="png">Its PNG file.</param>
    /// <param name="exact">Every pixel is kept.</param>
    /// <returns>The name behind <c>image/</c> in the data URI, and the file.</returns>
    public static (string Kind, byte[] Bytes) Of(Image<Rgb24> image, byte[] png, bool exact)
    {
        if (exact || png.Length <= SmallPng)
        {
            return ("png", png);
        }

        byte[] jpeg = Encode(image, OfDrawings);
        jpeg = jpeg.Length > Noisy * image.Width * image.Height ? Encode(image, OfNoise) : jpeg;
        return jpeg.Length < WorthIt * png.Length ? ("jpeg", jpeg) : ("png", png);
    }

    private static byte[] Encode(Image<Rgb24> image, JpegEncoder encoder)
    {
        using MemoryStream stream = new();
        image.Save(stream, encoder);
        return stream.ToArray();
    }
}
