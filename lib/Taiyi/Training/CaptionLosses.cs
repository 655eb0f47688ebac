using Taiyi.Data;
using Taiyi.Models;

namespace Taiyi.Training;

/// <summary>What the text encoder does not see of a data set's captions; tell the user before the training, which learns from the rest.</summary>
public static class CaptionLosses
{
    private const int Shown = 5, LongestShown = 40;

    /// <summary>A sentence for the words that the vocabulary lacks and one for what is cut off, each with the pictures; none where all is read.</summary>
    public static IReadOnlyList<string> Of(BertTokenizer tokenizer, IReadOnlyList<Text2ImageEntry> entries)
    {
        var read = entries.Select(entry => (entry.FileName, Prompt: tokenizer.Encode(entry.Caption))).ToArray();
        var unknown = read.Where(caption => caption.Prompt.UnknownWords.Count > 0).ToArray();
        var cut = read.Where(caption => caption.Prompt.CutText.Length > 0).ToArray();
        List<string> sentences = [];
        if (unknown.Length > 0)
        {
            IEnumerable<string> words = unknown.SelectMany(caption => caption.Prompt.UnknownWords).Distinct();
            sentences.Add($"{Count(unknown.Length)} what this model's vocabulary lacks, which is read as [UNK]: {string.Join(", ", words)} (in {First(unknown.Select(caption => caption.FileName))})");
        }

        if (cut.Length > 0)
        {
            sentences.Add($"{Count(cut.Length)} more than the {tokenizer.MaxLength} tokens that the text encoder reads; this was cut off: {First(cut.Select(caption => $"“{Shortened(caption.Prompt.CutText)}” ({caption.FileName})"))}");
        }

        return sentences;
    }

    private static string Count(int captions) => captions == 1 ? "1 caption has" : $"{captions} captions have";

    private static string Shortened(string text) => text.Length <= LongestShown ? text
        : text[..(char.IsHighSurrogate(text[LongestShown - 1]) ? LongestShown - 1 : LongestShown)] + "…";

    private static string First(IEnumerable<string> items)
    {
        string[] all = [.. items];
        return string.Join(", ", all.Take(Shown)) + (all.Length > Shown ? $" and {all.Length - Shown} more" : "");
    }
}
