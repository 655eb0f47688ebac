using System.Text;

namespace Taiyi.Kernel.Jupyter;

/// <summary>
/// Cursor positions: the protocol counts Unicode code points since version 5.2, C# counts UTF-16 units, and the two
/// differ behind every character beyond the basic plane.
/// </summary>
internal static class CodePoints
{
    /// <summary>The index in <paramref name="text"/> of a position counted in code points; positions outside are drawn in.</summary>
    public static int ToIndex(string text, int position)
    {
        int index = 0;
        for (int i = 0; i < position && index < text.Length; i++)
        {
            index += char.IsSurrogatePair(text, index) ? 2 : 1;
        }

        return index;
    }

    /// <summary>The number of code points before an index.</summary>
    public static int FromIndex(string text, int index)
    {
        int position = 0;
        foreach (Rune _ in text.AsSpan(0, Math.Clamp(index, 0, text.Length)).EnumerateRunes())
        {
            position++;
        }

        return position;
    }
}
