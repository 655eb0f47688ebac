using System.Buffers.Binary;
using SixLabors.ImageSharp.Formats;
using SixLabors.ImageSharp.Formats.Jpeg;
using SixLabors.ImageSharp.Formats.Png;
using SixLabors.ImageSharp.Formats.Webp;

namespace Taiyi.Data;

/// <summary>Whether a picture file is complete. The decoders fill the missing part of a truncated file with grey, without an error.</summary>
internal static class WholeFile
{
    /// <summary>False if the file ends before its format says that the picture does.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> file, IImageFormat format) => format switch
    {
        PngFormat => HasPngEnd(file),
        JpegFormat => HasJpegEnd(file),
        WebpFormat => file.Length >= 12 && file.Length - 8L >= BinaryPrimitives.ReadUInt32LittleEndian(file[4..]), // RIFF: the size of what follows
        _ => HasBmpPixels(file),
    };

    // Chunks of length, type, data and checksum up to the one named IEND (PNG specification, section 5.3).
    private static bool HasPngEnd(ReadOnlySpan<byte> file)
    {
        const int signature = 8, frame = 12;
        for (long start = signature; start + frame <= file.Length;)
        {
            ReadOnlySpan<byte> chunk = file[(int)start..];
            start += frame + (long)BinaryPrimitives.ReadUInt32BigEndian(chunk);
            if (chunk[4..8].SequenceEqual("IEND"u8))
            {
                return true;
            }
        }

        return false;
    }

    // Segments (marker, length, data) up to the scan, and in its data, where 0xFF is always followed by 0 or a marker, the end marker.
    private static bool HasJpegEnd(ReadOnlySpan<byte> file)
    {
        const byte startOfScan = 0xDA, endOfImage = 0xD9;
        int position = 2;
        while (position + 4 <= file.Length && file[position + 1] != startOfScan)
        {
            bool isMarker = file[position] == 0xFF && file[position + 1] != 0xFF; // any number of 0xFF may stand before one
            position += !isMarker ? 1 : 2 + BinaryPrimitives.ReadUInt16BigEndian(file[(position + 2)..]);
        }

        return position < file.Length && file[position..].IndexOf([(byte)0xFF, endOfImage]) >= 0;
    }

    // Rows of whole 32-bit words from the offset in the file header on; compressed ones have no size of their own.
    private static bool HasBmpPixels(ReadOnlySpan<byte> file)
    {
        if (file.Length < 54 || BinaryPrimitives.ReadInt32LittleEndian(file[14..]) < 40)
        {
            return true; // OS/2's older header: its decoder says what is wrong
        }

        long width = BinaryPrimitives.ReadInt32LittleEndian(file[18..]), height = BinaryPrimitives.ReadInt32LittleEndian(file[22..]);
        int bits = BinaryPrimitives.ReadUInt16LittleEndian(file[28..]), compression = BinaryPrimitives.ReadInt32LittleEndian(file[30..]);
        bool isRunLength = compression is 1 or 2;
        long size = isRunLength ? BinaryPrimitives.ReadUInt32LittleEndian(file[34..]) : ((width * bits) + 31) / 32 * 4 * Math.Abs(height);
        return file.Length >= BinaryPrimitives.ReadUInt32LittleEndian(file[10..]) + size;
    }
}
