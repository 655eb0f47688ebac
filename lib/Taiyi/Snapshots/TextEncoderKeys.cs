using Taiyi.Files;

namespace Taiyi.Snapshots;

/// <summary>Names of BERT's tensors under the prefixes that programs give them, and the text encoders that are not BERT.</summary>
internal static class TextEncoderKeys
{
    private const string WordEmbeddings = "embeddings.word_embeddings.weight";

    // CLIP in transformers, and OpenCLIP in Stable Diffusion 2 and XL.
    private static readonly string[] ClipParts = ["text_model.encoder.", "embeddings.token_embedding.", "transformer.resblocks."];

    /// <summary>The current name of a text encoder's tensor; null for what belongs to another network or to a head above BERT.</summary>
    /// <remarks>
    /// A class with a head has BERT under <c>bert.</c>, which transformers takes off on loading. Files made from TensorFlow's have
    /// <c>gamma</c> and <c>beta</c> in place of a layer norm's weight and bias.
    /// </remarks>
    /// <param name="file">The weights.</param>
    /// <param name="prefix">What all names of the text encoder begin with; empty in a file of its own.</param>
    /// <exception cref="CheckpointException">The text encoder is CLIP.</exception>
    public static Func<string, string?> Renamer(IStateDictFile file, string prefix)
    {
        RefuseClip(file);
        string whole = file.Tensors.Keys
            .Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && name.EndsWith(WordEmbeddings, StringComparison.Ordinal))
            .Select(name => name[..^WordEmbeddings.Length])
            .MinBy(found => found.Length) ?? prefix;
        return name => name.StartsWith(whole, StringComparison.Ordinal) ? LayerNormName(name[whole.Length..]) : null;
    }

    /// <summary>Refuses weights that hold CLIP and no BERT.</summary>
    /// <exception cref="CheckpointException">They do.</exception>
    public static void RefuseClip(IStateDictFile file)
    {
        if (!file.Tensors.Keys.Any(name => name.EndsWith(WordEmbeddings, StringComparison.Ordinal))
            && file.Tensors.Keys.Any(name => ClipParts.Any(name.Contains)))
        {
            throw Clip(file.Path);
        }
    }

    /// <summary>Refuses the folder of a pipeline whose text encoder is CLIP, by its config or by the vocabulary of its tokenizer.</summary>
    /// <exception cref="CheckpointException">It is.</exception>
    public static void RefuseClip(string folder)
    {
        string config = Path.Combine(folder, "text_encoder", "config.json"), tokenizer = Path.Combine(folder, "tokenizer");
        bool isClip = File.Exists(config) && ConfigFile.Open(config).Text("model_type")?.StartsWith("clip", StringComparison.Ordinal) == true;
        if (isClip || (File.Exists(Path.Combine(tokenizer, "merges.txt")) && !File.Exists(Path.Combine(tokenizer, "vocab.txt"))))
        {
            throw Clip(folder);
        }
    }

    private static string LayerNormName(string name) => name.EndsWith("LayerNorm.gamma", StringComparison.Ordinal) ? name[..^"gamma".Length] + "weight"
        : name.EndsWith("LayerNorm.beta", StringComparison.Ordinal) ? name[..^"beta".Length] + "bias"
        : name;

    private static CheckpointException Clip(string path) => new(
        $"The text encoder of '{path}' is CLIP, as in Stable Diffusion itself, where Taiyi has BERT: give a model of the Taiyi family.");
}
