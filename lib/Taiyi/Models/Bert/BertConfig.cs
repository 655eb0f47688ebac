using Taiyi.Files;

namespace Taiyi.Models;

/// <summary>Sizes of a <see cref="BertTextEncoder"/>, as its <c>text_encoder/config.json</c> gives them.</summary>
/// <remarks>
/// The defaults are those of transformers: they hold for fields that a file lacks. Dropout is not among them: a small model is trained
/// without it, and the reference does not drop in inference either.
/// </remarks>
public sealed record BertConfig
{
    /// <summary>Tokens of the vocabulary.</summary>
    public int VocabSize { get; init; } = 30522;

    /// <summary>Width of a token, which is the UNet's <c>cross_attention_dim</c>.</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>Number of layers.</summary>
    public int NumHiddenLayers { get; init; } = 12;

    /// <summary>Heads of every attention.</summary>
    public int NumAttentionHeads { get; init; } = 12;

    /// <summary>Width inside the feed-forward networks.</summary>
    public int IntermediateSize { get; init; } = 3072;

    /// <summary>Longest text in tokens.</summary>
    public int MaxPositionEmbeddings { get; init; } = 512;

    /// <summary>Number of token types; a caption is of type 0.</summary>
    public int TypeVocabSize { get; init; } = 2;

    /// <summary>ε of every layer norm.</summary>
    public double LayerNormEps { get; init; } = 1e-12;

    /// <summary>Reads and checks a <c>config.json</c>.</summary>
    /// <exception cref="CheckpointException">The file is no such config, or asks for something this family does not use.</exception>
    public static BertConfig FromFile(string path)
    {
        ConfigFile file = ConfigFile.Open(path);
        file.Require("""{"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}""");
        file.Require("""{"is_decoder": false, "add_cross_attention": false}""");

        var config = file.Deserialize<BertConfig>();
        file.Check("vocab_size", config.VocabSize > 0, "is at least 1");
        file.Check("num_hidden_layers", config.NumHiddenLayers > 0, "is at least 1");
        file.Check("num_attention_heads", config.NumAttentionHeads > 0, "is at least 1");
        file.Check("intermediate_size", config.IntermediateSize > 0, "is at least 1");
        file.Check("max_position_embeddings", config.MaxPositionEmbeddings > 1, "is at least 2, for [CLS] and [SEP]");
        file.Check("type_vocab_size", config.TypeVocabSize > 0, "is at least 1");
        file.Check("layer_norm_eps", config.LayerNormEps > 0, "is positive");
        file.Check("hidden_size", config.HiddenSize > 0 && config.HiddenSize % config.NumAttentionHeads == 0, $"is a multiple of num_attention_heads, {config.NumAttentionHeads}");
        return config;
    }
}
