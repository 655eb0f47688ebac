using SkiaSharp;
using Taiyi.Files;
using TorchSharp;

namespace Taiyi.Data;

/// <summary>The one place where picture files are read and written.</summary>
/// <remarks>
/// Reads PNG, JPEG, WebP and BMP with any colour type as 8-bit RGB, turned upright as the EXIF orientation says. Colour profiles
/// are ignored, as by the reference. Writes PNG, WebP and JPEG under a temporary name first, so that a failed write leaves the old file whole.
/// </remarks>
public static class ImageFile
{
    /// <summary>The file name extensions that are taken for pictures, in lower case, with their dot; case doesn't matter when matching.</summary>
    public static IReadOnlyList<string> Extensions { get; } = [".png", ".jpg", ".jpeg", ".webp", ".bmp"];

    /// <summary>Whether a file's extension is one of <see cref="Extensions"/>.</summary>
    public static bool IsImage(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    /// <summary>Reads a picture as RGB bytes.</summary>
    /// <exception cref="ImageFileException">There is no such file, or it is no whole picture of a known format.</exception>
    public static RgbImage Read(string path, AlphaHandling alpha = AlphaHandling.OverWhite) => Decode(ReadBytes(path), path, alpha);

    /// <summary>Reads a picture as the networks take it.</summary>
    /// <returns>A new CPU tensor (3, H, W), float32 in [-1, 1]; the caller owns it.</returns>
    /// <exception cref="ImageFileException">There is no such file, or it is no whole picture of a known format.</exception>
    public static torch.Tensor ReadTensor(string path, AlphaHandling alpha = AlphaHandling.OverWhite) => Read(path, alpha).ToTensor();

    /// <summary>Decodes a picture from the bytes of a file as RGB.</summary>
    /// <param name="bytes">A whole PNG, JPEG, WebP or BMP file.</param>
    /// <param name="name">What to call it in an error.</param>
    /// <param name="alpha">What becomes of transparent pixels.</param>
    /// <exception cref="ImageFileException">The bytes are no whole picture of a known format.</exception>
    public static RgbImage Decode(byte[] bytes, string name, AlphaHandling alpha = AlphaHandling.OverWhite)
    {
        RgbaImage image = DecodeRgba(bytes, name);
        return alpha == AlphaHandling.Drop ? image.DropAlpha() : image.Over(255, 255, 255);
    }

    /// <summary>Decodes a picture from the bytes of a file with its transparency.</summary>
    /// <param name="bytes">A whole PNG, JPEG, WebP or BMP file.</param>
    /// <param name="name">What to call it in an error.</param>
    /// <exception cref="ImageFileException">The bytes are no whole picture of a known format.</exception>
    public static RgbaImage DecodeRgba(byte[] bytes, string name)
    {
        using SKData data = SKData.CreateCopy(bytes);
        using SKCodec codec = SKCodec.Create(data)
            ?? throw new ImageFileException(name, "is not a picture in PNG, JPEG, WebP or BMP format (or its header is broken).");
        SKImageInfo info = new(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        byte[] rgba = new byte[info.BytesSize64];
        SKCodecResult result = Decode(codec, info, rgba);
        return result switch
        {
            SKCodecResult.Success => Upright(new RgbaImage(info.Width, info.Height, rgba), codec.EncodedOrigin),
            SKCodecResult.IncompleteInput => throw new ImageFileException(name, "is cut off: the file ends before the picture does."),
            _ => throw new ImageFileException(name, $"is broken: its pixels can't be decoded ({result})."),
        };
    }

    /// <summary>The bytes of a PNG file of a picture, with text chunks if there are any.</summary>
    /// <param name="picture">The picture; <see cref="RgbImage.FromTensor"/> makes one of a tensor.</param>
    /// <param name="text">Keywords and values to carry along, for example the prompt; read again by <see cref="PngText.Read"/>.</param>
    public static byte[] EncodePng(RgbImage picture, IReadOnlyDictionary<string, string>? text = null)
    {
        byte[] png = Encode(picture, SKEncodedImageFormat.Png, 100);
        return text is null ? png : PngText.Insert(png, text);
    }

    /// <summary>The bytes of a PNG file of a tensor.</summary>
    /// <param name="picture">(3, H, W) or (1, 3, H, W), any floating dtype and device, in [-1, 1].</param>
    /// <param name="text">Keywords and values to carry along.</param>
    public static byte[] EncodePng(torch.Tensor picture, IReadOnlyDictionary<string, string>? text = null) =>
        EncodePng(RgbImage.FromTensor(picture), text);

    /// <summary>The bytes of a lossy WebP file: a tenth of PNG's size, for notebooks and data sets.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="quality">0 (smallest) to 100.</param>
    public static byte[] EncodeWebp(RgbImage picture, int quality = 90) => Encode(picture, SKEncodedImageFormat.Webp, quality);

    /// <summary>The bytes of a JPEG file.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="quality">0 (smallest) to 100.</param>
    public static byte[] EncodeJpeg(RgbImage picture, int quality = 90) => Encode(picture, SKEncodedImageFormat.Jpeg, quality);

    /// <summary>Writes a tensor as a PNG file, over an older file of that name.</summary>
    /// <param name="path">Where; its folder is made if it's missing.</param>
    /// <param name="picture">(3, H, W) or (1, 3, H, W), any floating dtype and device, in [-1, 1].</param>
    /// <param name="text">Keywords and values to carry along.</param>
    public static void WritePng(string path, torch.Tensor picture, IReadOnlyDictionary<string, string>? text = null) =>
        WriteBytes(path, EncodePng(picture, text));

    /// <summary>Writes a picture as a PNG file, over an older file of that name.</summary>
    /// <param name="path">Where; its folder is made if it's missing.</param>
    /// <param name="picture">The picture.</param>
    /// <param name="text">Keywords and values to carry along.</param>
    public static void WritePng(string path, RgbImage picture, IReadOnlyDictionary<string, string>? text = null) =>
        WriteBytes(path, EncodePng(picture, text));

    /// <summary>The text chunks of a PNG file, by keyword; empty for files of other formats.</summary>
    /// <exception cref="ImageFileException">The file can't be read.</exception>
    public static IReadOnlyDictionary<string, string> ReadText(string path) => PngText.Read(ReadBytes(path));

    internal static void WriteBytes(string path, byte[] bytes) => AtomicWrite.File(path, stream => stream.Write(bytes));

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

    private static unsafe SKCodecResult Decode(SKCodec codec, SKImageInfo info, byte[] rgba)
    {
        fixed (byte* pixels = rgba)
        {
            return codec.GetPixels(info, (nint)pixels);
        }
    }

    private static unsafe byte[] Encode(RgbImage picture, SKEncodedImageFormat format, int quality)
    {
        byte[] rgba = new byte[4 * picture.Width * picture.Height];
        for (int i = 0; i < rgba.Length / 4; i++)
        {
            picture.Pixels.AsSpan(3 * i, 3).CopyTo(rgba.AsSpan(4 * i));
            rgba[(4 * i) + 3] = 255;
        }

        SKImageInfo info = new(picture.Width, picture.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        fixed (byte* pixels = rgba)
        {
            using SKPixmap pixmap = new(info, (nint)pixels);
            using SKData data = pixmap.Encode(format, quality)
                ?? throw new ArgumentException($"A picture of {picture.Width} x {picture.Height} can't be encoded as {format}.", nameof(picture));
            return data.ToArray();
        }
    }

    // EXIF 2.3, tag 274: where row 0 and column 0 of the stored pixels lie in the upright picture.
    private static RgbaImage Upright(RgbaImage stored, SKEncodedOrigin origin)
    {
        bool turned = origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        if (origin is SKEncodedOrigin.TopLeft or 0)
        {
            return stored;
        }

        int width = turned ? stored.Height : stored.Width;
        int height = turned ? stored.Width : stored.Height;
        byte[] upright = new byte[stored.Pixels.Length];
        for (int y = 0; y < stored.Height; y++)
        {
            for (int x = 0; x < stored.Width; x++)
            {
                int right = stored.Width - 1 - x;
                int below = stored.Height - 1 - y;
                (int column, int row) = origin switch
                {
                    SKEncodedOrigin.TopRight => (right, y),
                    SKEncodedOrigin.BottomRight => (right, below),
                    SKEncodedOrigin.BottomLeft => (x, below),
                    SKEncodedOrigin.LeftTop => (y, x),
                    SKEncodedOrigin.RightTop => (below, x),
                    SKEncodedOrigin.RightBottom => (below, right),
                    _ => (y, right), // LeftBottom
                };
                stored.Pixels.AsSpan(4 * ((y * stored.Width) + x), 4).CopyTo(upright.AsSpan(4 * ((row * width) + column)));
            }
        }

        return new RgbaImage(width, height, upright);
    }
}
