using System.Text;
using Microsoft.ML.Tokenizers;
using Taiyi.Files;

namespace Taiyi.Models;

/// <summary>Chinese BERT's tokenizer: every Chinese character is a token, other words are cut into the pieces that the vocabulary has.</summary>
/// <remarks>
/// WordPiece (arXiv:1609.08144, section 4.1) is that of Microsoft.ML.Tokenizers; ids equal those of transformers' <c>BertTokenizer</c>.
/// </remarks>
public sealed class BertTokenizer
{
    private readonly Microsoft.ML.Tokenizers.BertTokenizer _wordPiece;
    private readonly BasicTokenizer _basic;
    private readonly Dictionary<string, int> _vocabulary;
    private readonly AddedWords _addedWords = new();
    private readonly bool _lowerCase;

    private BertTokenizer(Microsoft.ML.Tokenizers.BertTokenizer wordPiece, Dictionary<string, int> vocabulary, TokenizerConfig config, int maxLength)
    {
        (_wordPiece, _vocabulary, _lowerCase, MaxLength) = (wordPiece, vocabulary, config.DoLowerCase, maxLength);
        _addedWords.Add(new(wordPiece.ClassificationToken, [wordPiece.ClassificationTokenId], AnyCase: false));
        _addedWords.Add(new(wordPiece.SeparatorToken, [wordPiece.SeparatorTokenId], AnyCase: false));
        _addedWords.Add(new(wordPiece.PaddingToken, [wordPiece.PaddingTokenId], AnyCase: false));
        _addedWords.Add(new(wordPiece.UnknownToken, [wordPiece.UnknownTokenId], AnyCase: false));
        _addedWords.Add(new(wordPiece.MaskingToken, [wordPiece.MaskingTokenId], AnyCase: false));
        _basic = new(config.DoLowerCase, config.StripAccents ?? config.DoLowerCase, config.TokenizeChineseChars, _addedWords);
    }

    /// <summary>Tokens of a padded text, [CLS] and [SEP] included: 512 in Taiyi, not CLIP's 77.</summary>
    public int MaxLength { get; }

    /// <summary>
    /// Reads <c>vocab.txt</c> from the model's <c>tokenizer</c> folder, and <c>tokenizer_config.json</c> if it is there; BERT's
    /// defaults without it: lower case, Chinese characters apart. Words that were added later are found wherever they stand
    /// (<c>added_tokens.json</c> and the additional special tokens).
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="maxPositionEmbeddings">What the text encoder can take, <see cref="BertConfig.MaxPositionEmbeddings"/>; 512 when null.</param>
    /// <param name="vocabSize">Rows of the text encoder's embedding, <see cref="BertConfig.VocabSize"/>, for which added words must have a number; not compared when null.</param>
    /// <exception cref="CheckpointException">The vocabulary is missing, a file is malformed, or the vocabulary lacks [CLS], [SEP], [PAD], [UNK] or [MASK]; or the text encoder has no row for an added word.</exception>
    public static BertTokenizer FromFolder(string folder, int? maxPositionEmbeddings = null, int? vocabSize = null)
    {
        TokenizerConfig config = ReadConfig(Path.Combine(folder, "tokenizer_config.json"));
        string vocabulary = Path.Combine(folder, "vocab.txt");
        try
        {
            // Splitting into words is done here, so that the ids agree with the reference.
            string text = TextFile.Read(vocabulary);
            using MemoryStream words = new(Encoding.UTF8.GetBytes(text));
            var wordPiece = Microsoft.ML.Tokenizers.BertTokenizer.Create(words, new BertOptions { ApplyBasicTokenization = false });
            BertTokenizer tokenizer = new(wordPiece, Numbers(text), config, (int)Math.Min(config.ModelMaxLength, maxPositionEmbeddings ?? 512));
            tokenizer.AddWordsOf(folder, vocabSize);
            return tokenizer;
        }
        catch (InvalidDataException error)
        {
            throw new CheckpointException(error.Message, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or KeyNotFoundException)
        {
            throw new CheckpointException($"'{vocabulary}' is not the vocabulary of a BERT ({error.Message}): copy the tokenizer folder again.", error);
        }
    }

    /// <summary>The tokens of a text. The empty text gives the unconditional prompt, [CLS] [SEP] [PAD] …</summary>
    /// <param name="text">Any text; special tokens such as [SEP] in it are taken as such, as the reference does.</param>
    /// <param name="maxLength">Length after padding and cutting, [CLS] and [SEP] included: 2 to <see cref="MaxLength"/>, which is the default.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxLength"/> is out of range.</exception>
    public TokenizedPrompt Encode(string text, int? maxLength = null)
    {
        int length = maxLength ?? MaxLength;
        if (length < 2 || length > MaxLength)
        {
            throw new ArgumentOutOfRangeException(null, $"A length of {length} tokens was asked for; a prompt has 2 to {MaxLength}, [CLS] and [SEP] included.");
        }

        List<EncodedToken> kept = [new(_wordPiece.ClassificationTokenId, _wordPiece.ClassificationToken, default)];
        List<string> unknown = [];
        int room = length - 2;
        string cutText = "";
        foreach (BasicTokenizer.Word word in _basic.Split(text))
        {
            IReadOnlyList<EncodedToken> pieces = word.Added?.Tokens ?? _wordPiece.EncodeToTokens(word.Text, out _);
            kept.AddRange(pieces.Take(room));
            if (room > 0 && word.Added is null && pieces.Any(piece => piece.Id == _wordPiece.UnknownTokenId))
            {
                unknown.Add(text[word.Start..word.End]);
            }

            if (pieces.Count > room)
            {
                cutText = text[word.Start..];
                break;
            }

            room -= pieces.Count;
        }

        kept.Add(new(_wordPiece.SeparatorTokenId, _wordPiece.SeparatorToken, default));
        long[] ids = [.. kept.Select(token => (long)token.Id)];
        long[] padded = [.. ids, .. Enumerable.Repeat((long)_wordPiece.PaddingTokenId, length - ids.Length)];
        return new TokenizedPrompt(ids, [.. kept.Select(token => token.Value)], padded, cutText) { UnknownWords = [.. unknown.Distinct()] };
    }

    /// <summary>Whether a text is one token already: a piece of the vocabulary, or an added word.</summary>
    internal bool Knows(string word) => _vocabulary.ContainsKey(_lowerCase ? word.ToLowerInvariant() : word) || _vocabulary.ContainsKey(word) || _addedWords.Has(word);

    /// <summary>Adds a word, which is found in any case where the tokenizer lowers.</summary>
    /// <param name="word">The word, which must not be known.</param>
    /// <param name="ids">Its rows of the text encoder's embedding.</param>
    internal void Add(string word, IReadOnlyList<int> ids) => _addedWords.Add(new(word, ids, AnyCase: _lowerCase));

    private void AddWordsOf(string folder, int? vocabSize)
    {
        foreach (AddedWord word in AddedTokenFiles.Read(folder, _vocabulary, _lowerCase).Where(word => !_addedWords.Has(word.Text)))
        {
            if (word.Ids.Max() >= vocabSize)
            {
                throw new CheckpointException(
                    $"The added token '{word.Text}' in '{folder}' has the number {word.Ids.Max()}, and the text encoder has {vocabSize} rows: take tokenizer and text encoder from one model, or take the token out of added_tokens.json, special_tokens_map.json and tokenizer_config.json.");
            }

            _addedWords.Add(word);
        }
    }

    private static Dictionary<string, int> Numbers(string vocabulary)
    {
        Dictionary<string, int> numbers = new(StringComparer.Ordinal);
        foreach ((int number, string line) in vocabulary.TrimEnd('\n').Split('\n').Index())
        {
            numbers.TryAdd(line.TrimEnd('\r'), number);
        }

        return numbers;
    }

    private static TokenizerConfig ReadConfig(string path)
    {
        if (!File.Exists(path))
        {
            return new TokenizerConfig();
        }

        ConfigFile file = ConfigFile.Open(path);
        file.Require("""{"do_basic_tokenize": true, "never_split": null}""");
        var config = file.Deserialize<TokenizerConfig>();
        file.Check("model_max_length", config.ModelMaxLength >= 2, "is at least 2, for [CLS] and [SEP]");
        return config;
    }

    // Files of transformers write 1e30 for "no limit", hence the double.
    private sealed record TokenizerConfig
    {
        public bool DoLowerCase { get; init; } = true;

        public bool? StripAccents { get; init; }

        public bool TokenizeChineseChars { get; init; } = true;

        public double ModelMaxLength { get; init; } = double.MaxValue;
    }
}
