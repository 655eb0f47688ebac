using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Taiyi.Files;

/// <summary>Text files of users: UTF-8, or the encoding that a byte order mark names; never decoded by a guess.</summary>
/// <remarks>
/// GB18030 without a mark is refused: Big5, EUC-KR and EUC-JP use the same pairs of bytes for other characters, so a short
/// caption is never certain. The message shows what it would say, so that its author can tell. Marks: The Unicode Standard, section 23.8.
/// </remarks>
internal static class TextFile
{
    private const int LongestShown = 40;

    private static readonly Encoding Gb18030 = CodePagesEncodingProvider.Instance.GetEncoding(
        "GB18030", EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback)!;

    // The longest first: UTF-32's mark begins with that of UTF-16.
    private static readonly (byte[] Mark, Encoding Encoding)[] Marks =
    [
        ([0x84, 0x31, 0x95, 0x33], Gb18030),
        ([0xff, 0xfe, 0, 0], new UTF32Encoding(bigEndian: false, byteOrderMark: false, throwOnInvalidCharacters: true)),
        ([0, 0, 0xfe, 0xff], new UTF32Encoding(bigEndian: true, byteOrderMark: false, throwOnInvalidCharacters: true)),
        ([0xff, 0xfe], new UnicodeEncoding(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true)),
        ([0xfe, 0xff], new UnicodeEncoding(bigEndian: true, byteOrderMark: false, throwOnInvalidBytes: true)),
    ];

    /// <summary>Reads a whole file; a byte order mark is skipped.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">Its encoding is not certain; the message names the file and the line.</exception>
    public static string Read(string path) => Read(path, out _);

    /// <param name="path">The file.</param>
    /// <param name="encoding">Name of the encoding where it is not Unicode: GB18030 by its mark; else null.</param>
    /// <inheritdoc cref="Read(string)"/>
    public static string Read(string path, out string? encoding)
    {
        byte[] bytes = File.ReadAllBytes(path);
        (byte[]? mark, Encoding? marked) = Marks.FirstOrDefault(known => bytes.AsSpan().StartsWith(known.Mark));
        encoding = marked == Gb18030 ? "GB18030" : null;
        string text = marked is null ? DecodeUtf8(path, bytes) : DecodeMarked(path, bytes.AsSpan(mark!.Length), marked);
        RefuseControls(path, text);
        return text;
    }

    private static string DecodeUtf8(string path, byte[] bytes)
    {
        ReadOnlySpan<byte> content = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(Encoding.UTF8.Preamble.Length) : bytes;
        char[] letters = new char[content.Length]; // UTF-16 has never more units than UTF-8 has bytes
        OperationStatus status = Utf8.ToUtf16(content, letters, out int read, out int written, replaceInvalidSequences: false, isFinalBlock: false);
        return status switch
        {
            OperationStatus.Done => new string(letters, 0, written),
            OperationStatus.NeedMoreData => throw new InvalidDataException(
                $"'{path}' line {LineAt(content, read)} ends inside a character, the file is cut: copy it again."),
            _ => throw new InvalidDataException(
                $"'{path}' line {LineAt(content, read)} is not UTF-8 (byte 0x{content[read]:x2}){Gb18030Hint(content, read)}: save the file as UTF-8."),
        };
    }

    private static string DecodeMarked(string path, ReadOnlySpan<byte> content, Encoding encoding)
    {
        try
        {
            return encoding.GetString(content);
        }
        catch (DecoderFallbackException error)
        {
            throw new InvalidDataException($"'{path}' begins with the mark of {encoding.WebName} and is not in it: save the file as UTF-8.", error);
        }
    }

    // UTF-16 without a mark can be well-formed UTF-8 and then has control characters between the letters.
    private static void RefuseControls(string path, string text)
    {
        int at = text.AsSpan().IndexOfAnyInRange('\0', '\b');
        if (at >= 0)
        {
            int line = text.AsSpan(0, at).Count('\n') + 1;
            throw new InvalidDataException(
                $"'{path}' line {line} holds the control character U+{(int)text[at]:X4}, as UTF-16 without a byte order mark does: save the file as UTF-8.");
        }
    }

    // Only where nothing before the fault was Chinese in UTF-8 (three bytes from 0xe0 on): else the file is damaged, not in another encoding.
    private static string Gb18030Hint(ReadOnlySpan<byte> content, int fault)
    {
        int start = content[..fault].LastIndexOf((byte)'\n') + 1;
        int length = content[start..].IndexOfAny((byte)'\r', (byte)'\n');
        if (content[..fault].IndexOfAnyInRange((byte)0xe0, (byte)0xff) >= 0)
        {
            return "";
        }

        try
        {
            string line = Gb18030.GetString(length < 0 ? content[start..] : content.Slice(start, length));
            string shown = line.Length > LongestShown ? line[..LongestShown] + "…" : line;
            return line.Any(char.IsControl) ? "" : $"; if it is GB18030, it says “{shown}”";
        }
        catch (DecoderFallbackException)
        {
            return "";
        }
    }

    private static int LineAt(ReadOnlySpan<byte> content, int position) => content[..position].Count((byte)'\n') + 1;
}
