using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>The Chinese BERT that turns a tokenised caption into the vectors which the UNet attends to.</summary>
/// <remarks>
/// transformers, models/bert/modeling_bert.py, <c>BertModel</c> without its pooler. Letters: B captions, L tokens, D width.
/// Stable Diffusion's own encoder is CLIP; Taiyi replaced it (arXiv:2209.02970) and left the rest as it was.
/// </remarks>
public sealed class BertTextEncoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "embeddings")]
    private readonly BertEmbeddings _embeddings;

    [ComponentName(Name = "encoder")]
    private readonly BertEncoder _encoder;

    /// <summary>Builds the network with weights that are allocated, not initialised, and frozen.</summary>
    /// <param name="config">The sizes, from the model's own <c>text_encoder/config.json</c>.</param>
    /// <param name="device">Device of the weights: the CPU when null; the meta device gives names and shapes without memory.</param>
    /// <param name="dtype">What the weights are kept in: float32 when null. See <see cref="Precision.ComputeDType"/>.</param>
    public BertTextEncoder(BertConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(BertTextEncoder))
    {
        Config = config;
        _embeddings = new(config);
        _encoder = new(config);
        RegisterComponents();
        WeightedLayer.Allocate(this, device, dtype);
    }

    /// <summary>The sizes of this network.</summary>
    public BertConfig Config { get; private set; }

    /// <summary>Gives the network rows for more tokens; they change nothing for the tokens that it has.</summary>
    /// <param name="vectors">(n, D), any float dtype and device.</param>
    /// <returns>The ids of the new tokens, n of them.</returns>
    internal IReadOnlyList<int> AddTokens(Tensor vectors)
    {
        int first = Config.VocabSize, count = (int)vectors.shape[0];
        _embeddings.Word.Append(vectors);
        Config = Config with { VocabSize = first + count };
        return [.. Enumerable.Range(first, count)];
    }

    /// <summary>The last hidden state of every token, [PAD] included: Taiyi was trained without an attention mask.</summary>
    /// <param name="inputIds">Token numbers, (B, L) int64, L at most <see cref="BertConfig.MaxPositionEmbeddings"/>.</param>
    /// <returns>(B, L, D), in what the network computes in.</returns>
    /// <exception cref="ArgumentException">The text is longer than the network has positions.</exception>
    public override Tensor forward(Tensor inputIds) => forward(inputIds, attentionMask: null);

    /// <summary>As above, but no token attends where the mask is 0, as users of transformers know it.</summary>
    /// <param name="inputIds">Token numbers, (B, L) int64.</param>
    /// <param name="attentionMask">1 at real tokens and 0 at [PAD], (B, L) int64; null for no mask.</param>
    /// <returns>(B, L, D), in what the network computes in.</returns>
    /// <exception cref="ArgumentException">The text is longer than the network has positions.</exception>
    public Tensor forward(Tensor inputIds, Tensor? attentionMask)
    {
        if (inputIds.dim() != 2 || inputIds.shape[1] > Config.MaxPositionEmbeddings)
        {
            throw new ArgumentException(
                $"inputIds is ({string.Join(", ", inputIds.shape)}), but this text encoder takes (B, L) with L at most {Config.MaxPositionEmbeddings}: let the tokenizer cut the text.");
        }

        using var scope = NewDisposeScope();
        Tensor? mask = attentionMask?.to(ScalarType.Bool).unsqueeze(1).unsqueeze(1); // (B, 1, 1, L)
        return _encoder.call(_embeddings.call(inputIds), mask).MoveToOuterDisposeScope();
    }
}

internal sealed class BertEmbeddings(BertConfig config) : Module<Tensor, Tensor>(nameof(BertEmbeddings))
{
    [ComponentName(Name = "word_embeddings")]
    private readonly Embedding _word = new(config.VocabSize, config.HiddenSize);

    public Embedding Word => _word;

    [ComponentName(Name = "position_embeddings")]
    private readonly Embedding _position = new(config.MaxPositionEmbeddings, config.HiddenSize);

    [ComponentName(Name = "token_type_embeddings")]
    private readonly Embedding _tokenType = new(config.TypeVocabSize, config.HiddenSize);

    [ComponentName(Name = "LayerNorm")]
    private readonly LayerNorm _layerNorm = new(config.HiddenSize, config.LayerNormEps);

    // (B, L) -> (B, L, D): what the token is, where it stands, and that it belongs to the first sentence (type 0)
    public override Tensor forward(Tensor inputIds)
    {
        using var scope = NewDisposeScope();
        Tensor positions = _position.Weight[..(int)inputIds.shape[1]]; // (L, D)
        Tensor sum = _word.call(inputIds) + _tokenType.Weight[0] + positions;
        return _layerNorm.call(sum).MoveToOuterDisposeScope();
    }
}

internal sealed class BertEncoder(BertConfig config) : Module<Tensor, Tensor?, Tensor>(nameof(BertEncoder))
{
    [ComponentName(Name = "layer")]
    private readonly ModuleList<BertLayer> _layers = new([.. Enumerable.Range(0, config.NumHiddenLayers).Select(_ => new BertLayer(config))]);

    // (B, L, D), mask -> (B, L, D)
    public override Tensor forward(Tensor hiddenStates, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        foreach (BertLayer layer in _layers)
        {
            hiddenStates = layer.call(hiddenStates, mask);
        }

        return hiddenStates.MoveToOuterDisposeScope();
    }
}
