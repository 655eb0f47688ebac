using System.Buffers.Binary;
using SkiaSharp;

namespace Taiyi.Tests.Data;

/// <summary>Picture files made in the test: four coloured quadrants, 16 pixels each.</summary>
internal static class TestPictures
{
    public static readonly SKColor Red = new(220, 20, 20);
    public static readonly SKColor Green = new(20, 200, 20);
    public static readonly SKColor Blue = new(20, 20, 220);
    public static readonly SKColor Yellow = new(230, 220, 20);

    /// <summary>32 x 32: red, green above blue, yellow.</summary>
    public static byte[] Quadrants(SKEncodedImageFormat format)
    {
        using SKBitmap bitmap = new(new SKImageInfo(32, 32, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int y = 0; y < 32; y++)
        {
            for (int x = 0; x < 32; x++)
            {
                bitmap.SetPixel(x, y, y < 16 ? (x < 16 ? Red : Green) : (x < 16 ? Blue : Yellow));
            }
        }

        using SKData data = bitmap.Encode(format, 95);
        return data.ToArray();
    }

    /// <summary>A 24-bit BMP of 2 x 2 written by hand: rows from the bottom, blue first, rows padded to four bytes.</summary>
    public static byte[] Bmp()
    {
        byte[] file = new byte[54 + 16];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), 2);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), 2);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        byte[] bottom = [30, 20, 10, 60, 50, 40];
        byte[] top = [90, 80, 70, 120, 110, 100];
        bottom.CopyTo(file.AsSpan(54));
        top.CopyTo(file.AsSpan(62));
        return file;
    }

    /// <summary>A JPEG with an EXIF segment that holds the orientation tag alone.</summary>
    public static byte[] WithOrientation(byte[] jpeg, byte orientation)
    {
        byte[] tiff =
        [
            (byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, // big endian, first directory at 8
            0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, // one entry: tag 274, short, one value
            0, 0, 0, 0, // no further directory
        ];
        byte[] segment = [0xFF, 0xE1, 0, (byte)(2 + 6 + tiff.Length), .. "Exif\0\0"u8, .. tiff];
        return [.. jpeg[..2], .. segment, .. jpeg[2..]];
    }

    /// <summary>A PNG of 2 x 1: opaque red, and red at an opacity.</summary>
    public static byte[] Transparent(byte opacity)
    {
        using SKBitmap bitmap = new(new SKImageInfo(2, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.SetPixel(0, 0, new SKColor(200, 0, 0));
        bitmap.SetPixel(1, 0, new SKColor(200, 0, 0, opacity));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
