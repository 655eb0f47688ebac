using System.Buffers.Binary;
using System.IO.Compression;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Bmp;
using SixLabors.ImageSharp.Formats.Gif;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Tiff;
using SixLabors.ImageSharp.Formats.Webp;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Tests.Data;

/// <summary>Picture files made in the test: four coloured quadrants, 16 pixels each.</summary>
internal static class TestPictures
{
    public static readonly Rgb24 Red = new(220, 20, 20);
    public static readonly Rgb24 Green = new(20, 200, 20);
    public static readonly Rgb24 Blue = new(20, 20, 220);
    public static readonly Rgb24 Yellow = new(230, 220, 20);

    /// <summary>32 x 32: red, green above blue, yellow.</summary>
    public static byte[] Quadrants(string extension)
    {
        using Image<Rgb24> image = new(32, 32);
        for (int y = 0; y < 32; y++)
        {
            for (int x = 0; x < 32; x++)
            {
                image[x, y] = y < 16 ? (x < 16 ? Red : Green) : (x < 16 ? Blue : Yellow);
            }
        }

        return Encode(image, extension);
    }

    /// <summary>The bytes of a picture file.</summary>
    public static byte[] Encode(Image image, string extension)
    {
        IImageEncoder encoder = extension switch
        {
            "png" => new PngEncoder(),
            "jpg" => new JpegEncoder { Quality = 95 },
            "webp" => new WebpEncoder { FileFormat = WebpFileFormatType.Lossy },
            "lossless.webp" => new WebpEncoder { FileFormat = WebpFileFormatType.Lossless },
            "bmp" => new BmpEncoder(),
            "gif" => new GifEncoder(),
            _ => new TiffEncoder(),
        };
        using MemoryStream file = new();
        image.Save(file, encoder);
        return file.ToArray();
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

    /// <summary>A picture file of 32 x 32 with an EXIF block that holds the orientation tag alone, put where the format has it.</summary>
    public static byte[] WithOrientation(string extension, byte orientation)
    {
        byte[] file = Quadrants(extension);
        byte[] tiff =
        [
            (byte)'M', (byte)'M', 0, 42, 0, 0, 0, 8, // big endian, first directory at 8
            0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, // one entry: tag 274, short, one value
            0, 0, 0, 0, // no further directory
        ];
        return extension switch
        {
            "jpg" => [.. file[..2], 0xFF, 0xE1, 0, (byte)(2 + 6 + tiff.Length), .. "Exif\0\0"u8, .. tiff, .. file[2..]],
            "png" => [.. file[..33], .. PngChunk("eXIf"u8, tiff), .. file[33..]],
            _ => Riff([.. "VP8X"u8, 10, 0, 0, 0, 8, 0, 0, 0, 31, 0, 0, 31, 0, 0, .. file[12..], .. "EXIF"u8, (byte)tiff.Length, 0, 0, 0, .. tiff]), // flag 8: EXIF
        };
    }

    /// <summary>A grey PNG of side x side pixels in a small file: rows of one value, compressed.</summary>
    public static byte[] GreyPng(int side)
    {
        using MemoryStream packed = new();
        using (ZLibStream zlib = new(packed, CompressionLevel.Fastest))
        {
            byte[] row = new byte[1 + side];
            for (int y = 0; y < side; y++)
            {
                zlib.Write(row);
            }
        }

        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, side);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), side);
        header[8] = 8; // bits; colour type 0 is grey
        return [0x89, .. "PNG\r\n\x1A\n"u8, .. PngChunk("IHDR"u8, header), .. PngChunk("IDAT"u8, packed.ToArray()), .. PngChunk("IEND"u8, [])];
    }

    /// <summary>A PNG of 2 x 1: opaque red, and red at an opacity.</summary>
    public static byte[] Transparent(byte opacity)
    {
        using Image<Rgba32> image = new(2, 1);
        image[0, 0] = new Rgba32(200, 0, 0, 255);
        image[1, 0] = new Rgba32(200, 0, 0, opacity);
        return Encode(image, "png");
    }

    private static byte[] PngChunk(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] length = new byte[4], checksum = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(checksum, Crc32([.. type, .. data]));
        return [.. length, .. type, .. data, .. checksum];
    }

    // PNG specification, annex D: the polynomial 0xEDB88320, bit by bit.
    private static uint Crc32(byte[] bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ ((crc & 1) == 1 ? 0xEDB88320 : 0);
            }
        }

        return ~crc;
    }

    private static byte[] Riff(byte[] chunks)
    {
        byte[] size = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(size, 4 + chunks.Length);
        return [.. "RIFF"u8, .. size, .. "WEBP"u8, .. chunks];
    }
}
