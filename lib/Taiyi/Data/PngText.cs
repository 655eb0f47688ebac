using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Taiyi.Data;

/// <summary>The text chunks of a PNG file: how a generated picture carries its prompt and settings.</summary>
/// <remarks>
/// Latin-1 values go into tEXt, all others (Chinese prompts) into iTXt as UTF-8, so that other tools find them.
/// Source: PNG specification, third edition, sections 5.3 and 11.3.3. SkiaSharp has no way to write them.
/// </remarks>
public static class PngText
{
    private const int SignatureLength = 8;
    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(CrcOfByte)];

    /// <summary>The same PNG with text chunks after its header.</summary>
    /// <param name="png">A whole PNG file.</param>
    /// <param name="text">Keywords (1 to 79 Latin-1 letters, for example <c>parameters</c>) and their values.</param>
    /// <exception cref="ArgumentException">The bytes are no PNG file, or a keyword or a value can't be written.</exception>
    public static byte[] Insert(byte[] png, IReadOnlyDictionary<string, string> text)
    {
        int headerEnd = Chunks(png).FirstOrDefault().End;
        if (headerEnd == 0)
        {
            throw new ArgumentException("Text can be put into a PNG file only, and these bytes are none.", nameof(png));
        }

        using MemoryStream result = new();
        result.Write(png, 0, headerEnd);
        foreach ((string keyword, string value) in text)
        {
            WriteChunk(result, keyword, value);
        }

        result.Write(png, headerEnd, png.Length - headerEnd);
        return result.ToArray();
    }

    /// <summary>All text of a PNG file (tEXt, zTXt and iTXt chunks), by keyword; empty for other formats.</summary>
    public static IReadOnlyDictionary<string, string> Read(byte[] png)
    {
        Dictionary<string, string> text = new(StringComparer.Ordinal);
        foreach (Chunk chunk in Chunks(png))
        {
            ReadOnlySpan<byte> data = png.AsSpan(chunk.Start, chunk.Length);
            int end = data.IndexOf((byte)0);
            if (end > 0 && ValueOf(chunk.Type, data[(end + 1)..]) is string value)
            {
                text[Encoding.Latin1.GetString(data[..end])] = value;
            }
        }

        return text;
    }

    private static void WriteChunk(Stream stream, string keyword, string value)
    {
        if (keyword.Length is < 1 or > 79 || keyword.Any(letter => letter is < ' ' or > '\u00FF' or (> '~' and < '\u00A1')))
        {
            throw new ArgumentException($"A PNG keyword has 1 to 79 printable Latin-1 letters, got '{keyword}'.", nameof(keyword));
        }

        if (value.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"The text of '{keyword}' holds a zero character, which PNG text can't carry.", nameof(value));
        }

        bool latin = value.All(letter => letter <= '\u00FF');
        byte[] body = latin
            ? [.. Encoding.ASCII.GetBytes("tEXt"), .. Encoding.Latin1.GetBytes(keyword), 0, .. Encoding.Latin1.GetBytes(value)]
            // after the keyword: compression flag 0, method 0, no language, no translated keyword
            : [.. Encoding.ASCII.GetBytes("iTXt"), .. Encoding.Latin1.GetBytes(keyword), 0, 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(value)];
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, body.Length - 4);
        stream.Write(number);
        stream.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        stream.Write(number);
    }

    private static string? ValueOf(string type, ReadOnlySpan<byte> afterKeyword)
    {
        switch (type)
        {
            case "tEXt":
                return Encoding.Latin1.GetString(afterKeyword);
            case "zTXt" when afterKeyword.Length > 1:
                return Encoding.Latin1.GetString(Inflate(afterKeyword[1..]));
            case "iTXt" when afterKeyword.Length > 2:
                ReadOnlySpan<byte> rest = afterKeyword[2..];
                rest = rest[(rest.IndexOf((byte)0) + 1)..]; // language
                rest = rest[(rest.IndexOf((byte)0) + 1)..]; // translated keyword
                return Encoding.UTF8.GetString(afterKeyword[0] == 1 ? Inflate(rest) : rest);
            default:
                return null;
        }
    }

    private static byte[] Inflate(ReadOnlySpan<byte> compressed)
    {
        using MemoryStream result = new();
        using ZLibStream inflater = new(new MemoryStream(compressed.ToArray()), CompressionMode.Decompress);
        inflater.CopyTo(result);
        return result.ToArray();
    }

    private static IEnumerable<Chunk> Chunks(byte[] png)
    {
        int position = SignatureLength;
        bool signed = png.Length > SignatureLength && png[0] == 0x89 && png.AsSpan(1, 7).SequenceEqual("PNG\r\n\x1A\n"u8);
        while (signed && position + 12 <= png.Length)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(position));
            if (length > png.Length - position - 12)
            {
                yield break; // the file is cut off
            }

            yield return new Chunk(Encoding.ASCII.GetString(png, position + 4, 4), position + 8, (int)length);
            position += 12 + (int)length;
        }
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc = CrcTable[(crc ^ value) & 0xFF] ^ (crc >> 8);
        }

        return ~crc;
    }

    private static uint CrcOfByte(int value)
    {
        uint crc = (uint)value;
        for (int bit = 0; bit < 8; bit++)
        {
            crc = (crc & 1) != 0 ? 0xEDB88320 ^ (crc >> 1) : crc >> 1;
        }

        return crc;
    }

    private readonly record struct Chunk(string Type, int Start, int Length)
    {
        public int End => Start + Length + 4; // behind its checksum
    }
}
