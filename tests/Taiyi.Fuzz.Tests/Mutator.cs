using System.Text;

namespace Taiyi.Fuzz.Tests;

/// <summary>Changes bytes at random as files get damaged or forged: the same seed gives the same bytes.</summary>
internal sealed class Mutator
{
    // What parsers stumble over: extreme numbers, marks, halves of characters, the words and opcodes of the formats.
    private static readonly byte[][] Words =
    [
        .. new[]
        {
            "-1", "0", "65536", "2147483648", "9223372036854775807", "18446744073709551616", "1e999", "NaN", "null", "true", "[]", "{}", "\"\"", "\"", ",", "\r", "\n", "\\ud83e",
            "\\u0000", "../", "\\", ":", "[[[[[[[[[[[[[[[[", "__metadata__", "dtype", "shape", "data_offsets", "BF16", "F8_E4M3", "file_name", "text", "cells", "nbformat", "source",
        }.Select(Encoding.UTF8.GetBytes),
        [0], [0xff], [0xff, 0xfe], [0xef, 0xbb, 0xbf], [0xf0, 0x9f, 0xa6], [0xed, 0xa0, 0x80], [0x84, 0x31, 0x95, 0x33], [0x80, 2], [.. "cos\nsystem\n"u8], [(byte)'R'], [(byte)'.'], [(byte)'t'],
        [(byte)'b'], [0x93], [0x94], [0x8a, 0xff], [0x8b, 0xff, 0xff, 0xff, 0x7f], [(byte)'T', 0xff, 0xff, 0xff, 0xff], [.. "PK\u0001\u0002"u8], [.. "PK\u0005\u0006"u8],
    ];

    private readonly byte[][] _corpus;

    public Mutator(byte[][] corpus) => _corpus = corpus;

    /// <summary>A file of the corpus with one to six changes.</summary>
    public byte[] Next(int seed)
    {
        Random random = new(seed);
        List<byte> bytes = [.. _corpus[random.Next(_corpus.Length)]];
        for (int changes = random.Next(1, 7); changes > 0; changes--)
        {
            Change(bytes, random);
        }

        return [.. bytes];
    }

    private void Change(List<byte> bytes, Random random)
    {
        int at = random.Next(bytes.Count + 1), length = Math.Min(bytes.Count - at, 1 + random.Next(random.Next(2) == 0 ? 4 : 64));
        switch (random.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                Insert(bytes, at, Words[random.Next(Words.Length)], replace: random.Next(2) == 0);
                break;
            case 5 when random.Next(4) == 0: // cut
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 6:
                byte[] other = _corpus[random.Next(_corpus.Length)];
                int from = random.Next(other.Length + 1);
                bytes.InsertRange(at, other[from..Math.Min(other.Length, from + random.Next(200))]);
                break;
            default:
                ReplaceNumber(bytes, random);
                break;
        }
    }

    private static void Insert(List<byte> bytes, int at, byte[] word, bool replace)
    {
        bytes.RemoveRange(at, replace ? Math.Min(word.Length, bytes.Count - at) : 0);
        bytes.InsertRange(at, word);
    }

    // A whole number of text, such as an offset in a header, by another one.
    private static void ReplaceNumber(List<byte> bytes, Random random)
    {
        int[] digits = [.. Enumerable.Range(0, bytes.Count).Where(i => bytes[i] is >= (byte)'0' and <= (byte)'9')];
        if (digits.Length == 0)
        {
            return;
        }

        int start = digits[random.Next(digits.Length)], end = start;
        while (end < bytes.Count && bytes[end] is >= (byte)'0' and <= (byte)'9')
        {
            end++;
        }

        bytes.RemoveRange(start, end - start);
        bytes.InsertRange(start, Words[random.Next(10)]);
    }
}
