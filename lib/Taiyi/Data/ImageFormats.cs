using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.Memory;

namespace Taiyi.Data;

/// <summary>Which picture files are read, and what is said of the others.</summary>
public static class ImageFormats
{
    /// <summary>The formats that are read, for messages.</summary>
    public const string Read = "PNG, JPEG, WebP and BMP";

    /// <summary>Pixels (width x height) of the largest picture that is read: 2^29, which are 2^31 bytes of RGBA.</summary>
    public const long MaxPixels = 1L << 29;

    private const int MaxMegabytes = 2048; // MaxPixels in RGBA

    /// <summary>
    /// The four formats alone, and no buffer above 2 GiB. ImageSharp's default configuration has more decoders, in some of which
    /// crafted files have found flaws; a format that is not here cannot reach one.
    /// </summary>
    public static Configuration Configuration { get; } = new(
        new PngConfigurationModule(), new JpegConfigurationModule(), new WebpConfigurationModule(), new BmpConfigurationModule())
    {
        MemoryAllocator = MemoryAllocator.Create(new MemoryAllocatorOptions { AllocationLimitMegabytes = MaxMegabytes }),
    };

    /// <summary>The file name extensions that are taken for pictures, in lower case, with their dot; case doesn't matter when matching.</summary>
    public static IReadOnlyList<string> Extensions { get; } =
        [".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".pjpeg", ".pjp", ".webp", ".bmp", ".dib"];

    // Pictures as well, which other programs read.
    private static readonly string[] OtherExtensions =
    [
        ".gif", ".tif", ".tiff", ".heic", ".heif", ".hif", ".avif", ".jxl", ".jp2", ".j2k", ".jpx", ".psd", ".tga", ".ico", ".svg", ".pbm", ".pgm", ".ppm", ".pnm",
        ".exr", ".hdr", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raw",
    ];

    /// <summary>Whether a file's extension is one of <see cref="Extensions"/>.</summary>
    public static bool IsImage(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a file's extension is that of a picture in a format that is not read, such as GIF, TIFF or HEIC.</summary>
    public static bool IsOtherImage(string path) => OtherExtensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>The name of a picture format that is not read, by the first bytes of its files; null for what is unknown.</summary>
    internal static string? OtherFormatOf(ReadOnlySpan<byte> file)
    {
        if (file.Length >= 12 && file[4..8].SequenceEqual("ftyp"u8)) // ISO base media file format: the brand tells the codec
        {
            ReadOnlySpan<byte> brand = file[8..12];
            return brand.StartsWith("avi"u8) ? "an AVIF" : brand.StartsWith("he"u8) || brand.StartsWith("mif"u8) || brand.StartsWith("msf"u8) ? "a HEIC" : null;
        }

        return file.StartsWith("GIF8"u8) ? "a GIF"
            : file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8) || file.StartsWith("II+\0"u8) || file.StartsWith("MM\0+"u8) ? "a TIFF"
            : file.StartsWith("8BPS"u8) ? "a Photoshop"
            : file.StartsWith("\0\0\0\u000CJXL "u8) || file.StartsWith<byte>([0xFF, 0x0A]) ? "a JPEG XL"
            : file.StartsWith("\0\0\0\u000CjP  "u8) || file.StartsWith<byte>([0xFF, 0x4F, 0xFF, 0x51]) ? "a JPEG 2000"
            : file.StartsWith("<svg"u8) ? "an SVG"
            : null;
    }
}
