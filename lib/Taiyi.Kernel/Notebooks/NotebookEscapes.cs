using System.Globalization;
using System.Text.RegularExpressions;

namespace Taiyi.Kernel.Notebooks;

/// <summary>
/// Escapes what JSON demands and nothing else, control characters in lower case: the bytes of Jupyter's own writer, so that a
/// notebook that went through both differs only where its contents do.
/// </summary>
internal static partial class NotebookEscapes
{
    /// <summary>The same JSON with every character that may stand for itself as itself: \u732B becomes 猫, \u001B becomes \u001b.</summary>
    /// <param name="json">JSON text that .NET wrote: without lone surrogates.</param>
    public static string Simplify(string json) => Escape().Replace(json, match =>
    {
        if (match.Length != 6)
        {
            return match.Value; // \n, \" and the like
        }

        char character = (char)ushort.Parse(match.ValueSpan[2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return character switch
        {
            '"' => "\\\"",
            '\\' => @"\\",
            < ' ' => match.Value.ToLowerInvariant(),
            _ => character.ToString(),
        };
    });

    [GeneratedRegex(@"\\(?:u[0-9A-Fa-f]{4}|.)", RegexOptions.Singleline)]
    private static partial Regex Escape();
}
