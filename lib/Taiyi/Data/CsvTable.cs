using System.Text;

namespace Taiyi.Data;

/// <summary>Rows and fields of comma-separated text.</summary>
/// <remarks>
/// A field in quotes may hold commas, line breaks and doubled quotes; lines end with CR LF, LF or CR. Source: RFC 4180.
/// </remarks>
internal static class CsvTable
{
    /// <summary>Every row with the number of the line on which it starts; rows without any text are left out.</summary>
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
        StringBuilder field = new();
        bool quoted = position < text.Length && text[position] == '"';
        for (position += quoted ? 1 : 0; position < text.Length; position++)
        {
            char letter = text[position];
            if (quoted && letter == '"')
            {
                if (position + 1 == text.Length || text[position + 1] != '"')
                {
                    quoted = false;
                    continue;
                }

                position++; // a doubled quote stands for one
            }
            else if (!quoted && letter is ',' or '\r' or '\n')
            {
                break;
            }

            line += letter == '\n' ? 1 : 0;
            field.Append(letter);
        }

        return field.ToString();
    }
}
