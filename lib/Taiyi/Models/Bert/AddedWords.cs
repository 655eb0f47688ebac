using Microsoft.ML.Tokenizers;

namespace Taiyi.Models;

/// <summary>A word that is never split: one of the special tokens, or one that was given to the tokenizer after its vocabulary was made.</summary>
/// <param name="Text">The word.</param>
/// <param name="Ids">Its rows of the text encoder's embedding: several where textual inversion taught it several vectors.</param>
/// <param name="AnyCase">Whether LION is also lion, as in the rest of a text that the tokenizer lowers.</param>
internal sealed record AddedWord(string Text, IReadOnlyList<int> Ids, bool AnyCase)
{
    /// <summary>The tokens, named as diffusers names them: <c>&lt;toy&gt;</c>, <c>&lt;toy&gt;_1</c>, …</summary>
    public IReadOnlyList<EncodedToken> Tokens { get; } = [.. Ids.Select((id, i) => new EncodedToken(id, i == 0 ? Text : $"{Text}_{i}", default))];
}

/// <summary>The words that are looked for in a text before it is split, the longest first.</summary>
internal sealed class AddedWords
{
    private readonly List<AddedWord> _words = [];

    /// <summary>The largest row that a word has; -1 if there is no word.</summary>
    public int LargestId => _words.SelectMany(word => word.Ids).DefaultIfEmpty(-1).Max();

    /// <summary>Adds a word.</summary>
    public void Add(AddedWord word)
    {
        int place = _words.FindIndex(other => other.Text.Length < word.Text.Length);
        _words.Insert(place < 0 ? _words.Count : place, word);
    }

    /// <summary>The word that begins at a place of the text, or null.</summary>
    public AddedWord? Find(string text, int position) => _words.Find(word =>
        string.Compare(text, position, word.Text, 0, word.Text.Length, word.AnyCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal) == 0);

    /// <summary>Whether a text would be read as that word.</summary>
    public bool Has(string text) => Find(text, 0)?.Text.Length == text.Length;
}
