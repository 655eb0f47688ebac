using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>A text as the tokens that the text encoder reads.</summary>
/// <param name="Ids">Token numbers with [CLS] before and [SEP] behind, without padding.</param>
/// <param name="Tokens">The tokens of <paramref name="Ids"/> as the vocabulary writes them; <c>##</c> marks the rest of a word.</param>
/// <param name="PaddedIds">The same numbers, filled up with [PAD] to the length that the model was trained with.</param>
/// <param name="CutText">What did not fit, from the first word that is not kept whole; empty where all did.</param>
public sealed record TokenizedPrompt(IReadOnlyList<long> Ids, IReadOnlyList<string> Tokens, IReadOnlyList<long> PaddedIds, string CutText)
{
    /// <summary>
    /// Words of the text, as they are written there, that the vocabulary has no pieces for: the text encoder reads all of them as
    /// [UNK]. A Chinese character is a word of its own.
    /// </summary>
    public IReadOnlyList<string> UnknownWords { get; init; } = [];

    /// <summary>What the text encoder does not see of the text, a sentence each; tell the user.</summary>
    /// <param name="name">What the text is to the user, such as <c>prompt</c>.</param>
    public IEnumerable<string> Losses(string name)
    {
        if (UnknownWords.Count > 0)
        {
            yield return $"The {name} has what this model's vocabulary lacks, which is read as [UNK]: {string.Join(", ", UnknownWords)}";
        }

        if (CutText.Length > 0)
        {
            yield return $"The {name} is longer than the text encoder reads; this was cut off: {CutText}";
        }
    }

    /// <summary><see cref="PaddedIds"/> for <see cref="BertTextEncoder"/>: a new tensor, (1, L) int64.</summary>
    public Tensor ToTensor(Device? device = null) => tensor([.. PaddedIds], [1, PaddedIds.Count], device: device);
}
