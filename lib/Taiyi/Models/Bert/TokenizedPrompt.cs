using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>A text as the tokens that the text encoder reads.</summary>
/// <param name="Ids">Token numbers with [CLS] before and [SEP] behind, without padding.</param>
/// <param name="Tokens">The tokens of <paramref name="Ids"/> as the vocabulary writes them; <c>##</c> marks the rest of a word.</param>
/// <param name="PaddedIds">The same numbers, filled up with [PAD] to the length that the model was trained with.</param>
/// <param name="CutText">What did not fit, from the first word that is not kept whole; empty where all did.</param>
public sealed record TokenizedPrompt(IReadOnlyList<long> Ids, IReadOnlyList<string> Tokens, IReadOnlyList<long> PaddedIds, string CutText)
{
    /// <summary><see cref="PaddedIds"/> for <see cref="BertTextEncoder"/>: a new tensor, (1, L) int64.</summary>
    public Tensor ToTensor(Device? device = null) => tensor([.. PaddedIds], [1, PaddedIds.Count], device: device);
}
