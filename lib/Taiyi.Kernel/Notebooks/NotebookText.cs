using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Notebooks;

/// <summary>Text in a notebook file: a string, or a list of lines that each keep their line end.</summary>
internal static class NotebookText
{
    /// <summary>The list form, which makes line-by-line diffs.</summary>
    public static JsonArray ToLines(string text)
    {
        JsonArray lines = [];
        for (int start = 0; start < text.Length;)
        {
            int newLine = text.IndexOf('\n', start);
            int end = newLine < 0 ? text.Length : newLine + 1;
            lines.Add((JsonNode)text[start..end]);
            start = end;
        }

        return lines;
    }

    /// <summary>The text of either form; a missing field is the empty string.</summary>
    public static string FromNode(JsonNode? node) =>
        node is JsonArray lines ? string.Concat(lines.Select(line => (string?)line)) : (string?)node ?? "";
}
