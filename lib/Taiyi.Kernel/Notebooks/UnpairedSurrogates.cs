using System.Text;
using System.Text.RegularExpressions;

namespace Taiyi.Kernel.Notebooks;

/// <summary>
/// Half of a character beyond the basic plane, as a cut through an emoji leaves it: no file of UTF-8 can hold it, so U+FFFD
/// takes its place and all the rest stays.
/// </summary>
internal static partial class UnpairedSurrogates
{
    /// <summary>A text for a file.</summary>
    public static string Replace(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\ud800', '\udfff'))
        {
            return text;
        }

        StringBuilder whole = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            whole.Append(rune); // the enumeration gives U+FFFD for each half
        }

        return whole.ToString();
    }

    /// <summary>The text of a JSON file, in which such halves are written as escapes.</summary>
    public static string ReplaceInJson(string json) => Escape().Replace(Replace(json), escape => escape.Groups["lone"].Success ? "\\ufffd" : escape.Value);

    // An escaped backslash first, so that what follows it is not taken for an escape; then a pair; then a half.
    [GeneratedRegex(@"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})")]
    private static partial Regex Escape();
}
