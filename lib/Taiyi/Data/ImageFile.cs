using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Memory;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Data;

/// <summary>The one place where picture files are read and written.</summary>
/// <remarks>
/// Reads PNG, JPEG, WebP and BMP with any colour type as 8-bit RGB, turned upright as the EXIF orientation says. Colour profiles
/// are ignored, as by the reference. Writes PNG under a temporary name first, so that a failed write leaves the old file whole.
/// </remarks>
public static class ImageFile
{
    /// <summary>Reads a picture as RGB.</summary>
    /// <returns>A new image without metadata; the caller owns it.</returns>
    /// <exception cref="ImageFileException">There is no such file, or it is no whole picture of a known format, or it is too large.</exception>
    public static Image<Rgb24> Read(string path, AlphaHandling alpha = AlphaHandling.OverWhite) => Decode(ReadBytes(path), path, alpha);

    /// <summary>Reads a picture as the networks take it.</summary>
    /// <returns>A new CPU tensor (3, H, W), float32 in [-1, 1]; the caller owns it.</returns>
    /// <exception cref="ImageFileException">There is no such file, or it is no whole picture of a known format, or it is too large.</exception>
    public static Tensor ReadTensor(string path, AlphaHandling alpha = AlphaHandling.OverWhite)
    {
        using Image<Rgb24> image = Read(path, alpha);
        return image.ToTensor();
    }

    /// <summary>Decodes a picture from the bytes of a file as RGB.</summary>
    /// <param name="bytes">A whole PNG, JPEG, WebP or BMP file.</param>
    /// <param name="name">What to call it in an error.</param>
    /// <param name="alpha">What becomes of transparent pixels.</param>
    /// <returns>A new image without metadata; the caller owns it.</returns>
    /// <exception cref="ImageFileException">The bytes are no whole picture of a known format, or of one that is too large.</exception>
    public static Image<Rgb24> Decode(byte[] bytes, string name, AlphaHandling alpha = AlphaHandling.OverWhite)
    {
        using Image<Rgba32> image = DecodeRgba(bytes, name);
        return Flatten(image, alpha);
    }

    /// <summary>Decodes a picture from the bytes of a file with its transparency.</summary>
    /// <param name="bytes">A whole PNG, JPEG, WebP or BMP file.</param>
    /// <param name="name">What to call it in an error.</param>
    /// <returns>A new image, colours not multiplied by their opacity; the caller owns it.</returns>
    /// <exception cref="ImageFileException">The bytes are no whole picture of a known format, or of one that is too large.</exception>
    public static Image<Rgba32> DecodeRgba(byte[] bytes, string name)
    {
        IImageInfo info = Identify(bytes, name, out IImageFormat format);
        if ((long)info.Width * info.Height > ImageFormats.MaxPixels)
        {
            throw new ImageFileException(
                name, $"has {info.Width} x {info.Height} pixels; at most 2^29 are read (2^31 bytes of RGBA, 23170 x 23170): make it smaller first.");
        }

        if (!WholeFile.IsWhole(bytes, format))
        {
            throw new ImageFileException(name, "is cut off: the file ends before the picture does.");
        }

        Image<Rgba32> image = Try(name, $"{info.Width} x {info.Height} ", () => Image.Load<Rgba32>(ImageFormats.Configuration, bytes));
        if (format is JpegFormat)
        {
            JpegChroma.Interpolate(image);
        }

        image.Mutate(context => context.AutoOrient()); // EXIF 2.3, tag 274, in any container
        return image;
    }

    /// <summary>The bytes of a PNG file of a picture, with text chunks if there are any.</summary>
    /// <param name="image">The picture; <see cref="ImageConversion.ToImage"/> makes one of a tensor.</param>
    /// <param name="text">
    /// Keywords (1 to 79 Latin-1 letters, for example <c>parameters</c>) and values to carry along, read again by <see cref="ReadText"/>:
    /// Latin-1 values go into tEXt chunks, all others (Chinese prompts) into iTXt as UTF-8.
    /// </param>
    public static byte[] EncodePng(Image<Rgb24> image, IReadOnlyDictionary<string, string>? text = null)
    {
        using MemoryStream png = new();
        using Image<Rgb24> written = image.Clone(); // the text belongs to the file, not to the caller's picture
        PngMetadata metadata = written.Metadata.GetPngMetadata();
        foreach ((string keyword, string value) in text ?? new Dictionary<string, string>())
        {
            metadata.TextData.Add(new PngTextData(keyword, value, "", ""));
        }

        written.Save(png, new PngEncoder { ColorType = PngColorType.Rgb, BitDepth = PngBitDepth.Bit8 });
        return png.ToArray();
    }

    /// <summary>Writes a picture as a PNG file.</summary>
    /// <param name="path">Where; its folder is made if it's missing.</param>
    /// <param name="image">The picture.</param>
    /// <param name="text">Keywords and values to carry along.</param>
    /// <param name="replace">Whether an older file of that name is replaced; if not, there must be none.</param>
    /// <exception cref="IOException">The disk is full or the folder unwritable, or there is such a file; an older file is as it was.</exception>
    public static void WritePng(string path, Image<Rgb24> image, IReadOnlyDictionary<string, string>? text = null, bool replace = true) =>
        WriteBytes(path, EncodePng(image, text), replace);

    /// <summary>Writes a tensor as a PNG file, over an older file of that name.</summary>
    /// <param name="path">Where; its folder is made if it's missing.</param>
    /// <param name="image">(3, H, W) or (1, 3, H, W), any floating dtype and device, in [-1, 1].</param>
    /// <param name="text">Keywords and values to carry along.</param>
    /// <exception cref="ArgumentException">Another shape, or values that are not numbers.</exception>
    public static void WritePng(string path, Tensor image, IReadOnlyDictionary<string, string>? text = null)
    {
        using Image<Rgb24> pixels = image.ToImage();
        WritePng(path, pixels, text);
    }

    /// <summary>The text chunks (tEXt, zTXt, iTXt) of a PNG file, by keyword; empty for files of other formats.</summary>
    /// <exception cref="ImageFileException">The file can't be read.</exception>
    public static IReadOnlyDictionary<string, string> ReadText(string path)
    {
        Dictionary<string, string> text = new(StringComparer.Ordinal);
        foreach (PngTextData entry in Identify(ReadBytes(path), path, out _).Metadata.GetPngMetadata().TextData)
        {
            text[entry.Keyword] = entry.Value;
        }

        return text;
    }

    internal static void WriteBytes(string path, byte[] bytes, bool replace = true) => AtomicWrite.File(path, stream => stream.Write(bytes), replace);

    private static IImageInfo Identify(byte[] bytes, string name, out IImageFormat format)
    {
        format = Image.DetectFormat(ImageFormats.Configuration, bytes)
            ?? throw new ImageFileException(name, ImageFormats.OtherFormatOf(bytes) is { } other
                ? $"is {other} picture; {ImageFormats.Read} are read: save it as one of these."
                : $"is none of {ImageFormats.Read}, the formats that are read (or its header is broken).");
        return Try(name, "", () => Image.Identify(ImageFormats.Configuration, bytes, out _));
    }

    // Whatever a decoder throws at a stranger's bytes (beside its own exceptions: index, overflow, null), the file is at fault.
    private static T Try<T>(string name, string size, Func<T?> decode)
        where T : class
    {
        try
        {
            return decode() ?? throw new ImageFileException(name, "is broken: its header can't be read.");
        }
        catch (InvalidMemoryOperationException e)
        {
            throw new ImageFileException(name, $"can't be decoded: its {size}pixels need a buffer of more than 2 GiB. Make it smaller first.", e);
        }
        catch (Exception e) when (e is not (ImageFileException or OutOfMemoryException))
        {
            throw new ImageFileException(name, $"is broken: its {size}pixels can't be decoded ({e.Message.ReplaceLineEndings(" ").TrimEnd('.')}).", e);
        }
    }

    private static Image<Rgb24> Flatten(Image<Rgba32> image, AlphaHandling alpha)
    {
        Image<Rgb24> flat = new(ImageFormats.Configuration, image.Width, image.Height);
        image.ProcessPixelRows(flat, (from, to) =>
        {
            for (int y = 0; y < from.Height; y++)
            {
                Span<Rgba32> pixels = from.GetRowSpan(y);
                Span<Rgb24> row = to.GetRowSpan(y);
                for (int x = 0; x < row.Length; x++)
                {
                    Rgba32 pixel = pixels[x];
                    row[x] = alpha == AlphaHandling.Drop || pixel.A == 255 ? pixel.Rgb
                        : new Rgb24(OverWhite(pixel.R, pixel.A), OverWhite(pixel.G, pixel.A), OverWhite(pixel.B, pixel.A));
                }
            }
        });
        return flat;
    }

    private static byte OverWhite(int level, int opacity) => (byte)(((level * opacity) + (255 * (255 - opacity)) + 127) / 255);

    private static byte[] ReadBytes(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            return bytes.Length > 0 ? bytes : throw new ImageFileException(path, "is empty: it has no bytes.");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ImageFileException(path, "does not exist.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageFileException(path, $"can't be read: {e.Message}", e);
        }
    }
}
