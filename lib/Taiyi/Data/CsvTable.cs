using System.Text;

namespace Taiyi.Data;

/// <summary>Rows and fields of comma-separated text.</summary>
/// <remarks>
/// A field in quotes may hold commas, line breaks and doubled quotes; lines end with CR LF, LF or CR. Source: RFC 4180.
/// A reader of our own, not a package's, since a caption file's faults are told by line: a quote that is never closed is named with the line
/// that it opens on, and is never read as one caption to the end of the file.
/// </remarks>
internal static class CsvTable
{
    /// <summary>Every row with the number of the line on which it starts; rows without any text are left out.</summary>
    /// <exception cref="FormatException">A quote has no end, or ends before its field does; the message begins with the line.</exception>
    public static IEnumerable<(int Line, List<string> Fields)> Rows(string text)
    {
        int position = 0;
        int line = 1;
        while (position < text.Length)
        {
            int start = line;
            List<string> fields = [];
            do
            {
                fields.Add(ReadField(text, ref position, ref line));
            }
            while (position < text.Length && text[position++] == ',');

            if (position < text.Length && text[position - 1] == '\r' && text[position] == '\n')
            {
                position++;
            }

            line++;
            if (fields.Count > 1 || fields[0].Length > 0)
            {
                yield return (start, fields);
            }
        }
    }

    // Stops at the comma or line end behind the field.
    private static string ReadField(string text, ref int position, ref int line)
    {
        if (position < text.Length && text[position] == '"')
        {
            return ReadQuoted(text, ref position, ref line);
        }

        int length = text.AsSpan(position).IndexOfAny(',', '\r', '\n');
        string field = length < 0 ? text[position..] : text.Substring(position, length);
        position += field.Length;
        return field;
    }

    private static string ReadQuoted(string text, ref int position, ref int line)
    {
        int start = line;
        StringBuilder field = new();
        for (position++; position < text.Length; position++)
        {
            char letter = text[position];
            if (letter == '"')
            {
                position++;
                if (position == text.Length || text[position] is ',' or '\r' or '\n')
                {
                    return field.ToString();
                }

                if (text[position] != '"') // a doubled quote stands for one
                {
                    throw new FormatException($"line {start}: the quote that opens a field is closed in line {line} before the field ends; write \"\" for a quote inside a text");
                }
            }

            line += letter == '\n' ? 1 : 0;
            field.Append(letter);
        }

        throw new FormatException($"line {start}: a quote opens a field and is never closed");
    }
}
