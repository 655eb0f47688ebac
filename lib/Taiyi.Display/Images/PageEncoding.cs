using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Display;

/// <summary>How a picture is stored in a page. A notebook with its outputs lies in a repository, so bytes count.</summary>
internal static class PageEncoding
{
    // Below this a PNG is small enough, whatever a JPEG would save.
    private const int SmallPng = 4096;
    private const double WorthIt = 0.6;

    // Colours in full resolution: at this quality a level differs by two or three, which no eye sees beside the original.
    private static readonly JpegEncoder Jpeg = new() { Quality = 90, ColorType = JpegColorType.YCbCrRatio444 };

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

        using MemoryStream stream = new();
        image.Save(stream, Jpeg);
        return stream.Length < WorthIt * png.Length ? ("jpeg", stream.ToArray()) : ("png", png);
    }
}
