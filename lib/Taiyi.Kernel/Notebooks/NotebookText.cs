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

    /// <summary>Whether a node is text in either form; a missing field is.</summary>
    public static bool IsText(JsonNode? node) => node is null || StringOf(node) is not null || (node is JsonArray lines && lines.All(line => StringOf(line) is not null));

    /// <summary>The text of either form; a missing field is the empty string.</summary>
    public static string FromNode(JsonNode? node) => node is JsonArray lines ? string.Concat(lines.Select(StringOf)) : StringOf(node) ?? "";

    /// <summary>The string that a node is, or null.</summary>
    public static string? StringOf(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    /// <summary>What stands below a node under some names, one in the other, or null.</summary>
    public static JsonNode? Find(JsonNode? node, params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            node = (node as JsonObject)?[name];
        }

        return node;
    }
}
