using System.Globalization;
using System.Text;

namespace Taiyi.Models;

/// <summary>Splits text into words for WordPiece: at spaces, around punctuation, and around every Chinese character.</summary>
/// <remarks>
/// transformers, models/bert/tokenization_bert_legacy.py, <c>BasicTokenizer</c>. Microsoft.ML.Tokenizers has its own, but it
/// drops symbols such as $ and 😀, keeps _ inside a word, and composes accents again after stripping them.
/// </remarks>
internal sealed class BasicTokenizer(bool lowerCase, bool stripAccents, bool tokenizeChineseChars, AddedWords addedWords)
{
    /// <summary>A word, normalised, and where it stood in the text: from its first character to before <paramref name="End"/>.</summary>
    public readonly record struct Word(string Text, int Start, int End, AddedWord? Added = null);

    public IEnumerable<Word> Split(string text)
    {
        StringBuilder word = new();
        int start = 0, end = 0, length;
        for (int position = 0; position < text.Length; position += length)
        {
            AddedWord? added = addedWords.Find(text, position);
            Rune rune = Rune.TryGetRuneAt(text, position, out Rune valid) ? valid : Rune.ReplacementChar;
            length = added?.Text.Length ?? rune.Utf16SequenceLength;
            if (added is null && IsRemoved(rune))
            {
                continue;
            }

            string normalized = added?.Text ?? Normalize(rune);
            bool isSpace = added is null && Rune.IsWhiteSpace(rune);
            if (added is null && !isSpace && !IsSeparate(rune, normalized))
            {
                start = word.Length == 0 ? position : start;
                end = position + length;
                word.Append(normalized);
                continue;
            }

            if (word.Length > 0)
            {
                yield return new Word(word.ToString(), start, end);
                word.Clear();
            }

            if (!isSpace)
            {
                yield return new Word(normalized, position, position + length, added);
            }
        }

        if (word.Length > 0)
        {
            yield return new Word(word.ToString(), start, end);
        }
    }

    // Accents go with the canonical decomposition: é is e and U+0301, which is a nonspacing mark.
    private string Normalize(Rune rune)
    {
        string text = rune.ToString();
        if (stripAccents)
        {
            text = string.Concat(text.Normalize(NormalizationForm.FormD).EnumerateRunes()
                .Where(part => Rune.GetUnicodeCategory(part) != UnicodeCategory.NonSpacingMark));
        }

        return lowerCase ? text.ToLowerInvariant() : text;
    }

    // Control and format characters, U+200B and U+FEFF among them, and what stands for broken text.
    private static bool IsRemoved(Rune rune) => rune.Value is not ('\t' or '\n' or '\r')
        && (rune == Rune.ReplacementChar
            || Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse);

    // Punctuation is looked for after normalising: ≠ without its stroke is =.
    private bool IsSeparate(Rune rune, string normalized) =>
        (tokenizeChineseChars && IsChinese(rune)) || (normalized.Length > 0 && IsPunctuation(Rune.GetRuneAt(normalized, 0)));

    // All that ASCII has beside letters, digits and controls counts, though $ + < = > ^ ` | ~ are symbols in Unicode.
    private static bool IsPunctuation(Rune rune) => rune.IsAscii
        ? rune.Value > ' ' && rune.Value < 127 && !Rune.IsLetterOrDigit(rune)
        : Rune.IsPunctuation(rune);

    // The blocks of Chinese characters; kana and Hangul are not among them: they are written in words.
    private static bool IsChinese(Rune rune) => rune.Value is
        (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
        or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B820 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
