using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Display;

/// <summary>How a picture is stored in a page. A notebook with its outputs lies in a repository, so bytes count.</summary>
internal static class PageEncoding
{
    // Below this a PNG is small enough, whatever WebP would save.
    private const int SmallPng = 4096;
    private const double WorthIt = 0.7;

    // A picture that takes more than half a byte a pixel is noise to a good part, in which nobody misses a level or two.
    private const double Noisy = 0.5;

    // At this quality levels differ by two or three, which no eye sees beside the original; a JPEG as good is half as large again.
    private static readonly WebpEncoder OfDrawings = new() { FileFormat = WebpFileFormatType.Lossy, Quality = 85 };
    private static readonly WebpEncoder OfNoise = new() { FileFormat = WebpFileFormatType.Lossy, Quality = 60 };

    /// <summary>PNG where numbers are looked at or little would be saved, else WebP.</summary>
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

        byte[] webp = Encode(image, OfDrawings);
        webp = webp.Length > Noisy * image.Width * image.Height ? Encode(image, OfNoise) : webp;
        return webp.Length < WorthIt * png.Length ? ("webp", webp) : ("png", png);
    }

    private static byte[] Encode(Image<Rgb24> image, WebpEncoder encoder)
    {
        using MemoryStream stream = new();
        image.Save(stream, encoder);
        return stream.ToArray();
    }
}
