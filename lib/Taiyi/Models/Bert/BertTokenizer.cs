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

    private BertTokenizer(Microsoft.ML.Tokenizers.BertTokenizer wordPiece, TokenizerConfig config, int maxLength)
    {
        _wordPiece = wordPiece;
        string[] specialTokens = [wordPiece.ClassificationToken, wordPiece.SeparatorToken, wordPiece.PaddingToken, wordPiece.UnknownToken, wordPiece.MaskingToken];
        _basic = new(config.DoLowerCase, config.StripAccents ?? config.DoLowerCase, config.TokenizeChineseChars, specialTokens);
        MaxLength = maxLength;
    }

    /// <summary>Tokens of a padded text, [CLS] and [SEP] included: 512 in Taiyi, not CLIP's 77.</summary>
    public int MaxLength { get; }

    /// <summary>
    /// Reads <c>vocab.txt</c> from the model's <c>tokenizer</c> folder, and <c>tokenizer_config.json</c> if it is there; BERT's
    /// defaults without it: lower case, Chinese characters apart.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="maxPositionEmbeddings">What the text encoder can take, <see cref="BertConfig.MaxPositionEmbeddings"/>; 512 when null.</param>
    /// <exception cref="CheckpointException">The vocabulary is missing, a file is malformed, or the vocabulary lacks [CLS], [SEP], [PAD], [UNK] or [MASK].</exception>
    public static BertTokenizer FromFolder(string folder, int? maxPositionEmbeddings = null)
    {
        TokenizerConfig config = ReadConfig(Path.Combine(folder, "tokenizer_config.json"));
        string vocabulary = Path.Combine(folder, "vocab.txt");
        try
        {
            // Splitting into words is done here, so that the ids agree with the reference.
            using MemoryStream words = new(Encoding.UTF8.GetBytes(TextFile.Read(vocabulary)));
            var wordPiece = Microsoft.ML.Tokenizers.BertTokenizer.Create(words, new BertOptions { ApplyBasicTokenization = false });
            return new BertTokenizer(wordPiece, config, (int)Math.Min(config.ModelMaxLength, maxPositionEmbeddings ?? 512));
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
        int room = length - 2;
        string cutText = "";
        foreach (BasicTokenizer.Word word in _basic.Split(text))
        {
            IReadOnlyList<EncodedToken> pieces = _wordPiece.EncodeToTokens(word.Text, out _);
            kept.AddRange(pieces.Take(room));
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
        return new TokenizedPrompt(ids, [.. kept.Select(token => token.Value)], padded, cutText);
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
