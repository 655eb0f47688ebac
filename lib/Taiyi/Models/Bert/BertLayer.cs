using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Self-attention and a feed-forward network; each is added to its input and the sum normalised.</summary>
/// <remarks>transformers, models/bert/modeling_bert.py, <c>BertLayer</c>; arXiv:1810.04805.</remarks>
internal sealed class BertLayer(BertConfig config) : Module<Tensor, Tensor?, Tensor>(nameof(BertLayer))
{
    [ComponentName(Name = "attention")]
    private readonly BertAttention _attention = new(config);

    [ComponentName(Name = "intermediate")]
    private readonly BertIntermediate _intermediate = new(config);

    [ComponentName(Name = "output")]
    private readonly BertOutput _output = new(config.IntermediateSize, config);

    // (B, L, D), mask -> (B, L, D)
    public override Tensor forward(Tensor hiddenStates, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        Tensor attended = _attention.call(hiddenStates, mask);
        return _output.call(_intermediate.call(attended), attended).MoveToOuterDisposeScope();
    }
}

internal sealed class BertAttention(BertConfig config) : Module<Tensor, Tensor?, Tensor>(nameof(BertAttention))
{
    [ComponentName(Name = "self")]
    private readonly BertSelfAttention _self = new(config);

    [ComponentName(Name = "output")]
    private readonly BertOutput _output = new(config.HiddenSize, config);

    // (B, L, D), mask -> (B, L, D)
    public override Tensor forward(Tensor hiddenStates, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        return _output.call(_self.call(hiddenStates, mask), hiddenStates).MoveToOuterDisposeScope();
    }
}

internal sealed class BertSelfAttention(BertConfig config) : Module<Tensor, Tensor?, Tensor>(nameof(BertSelfAttention))
{
    [ComponentName(Name = "query")]
    private readonly Linear _query = new(config.HiddenSize, config.HiddenSize);

    [ComponentName(Name = "key")]
    private readonly Linear _key = new(config.HiddenSize, config.HiddenSize);

    [ComponentName(Name = "value")]
    private readonly Linear _value = new(config.HiddenSize, config.HiddenSize);

    // (B, L, D), mask -> (B, L, D)
    public override Tensor forward(Tensor hiddenStates, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        Tensor Heads(Linear projection) => // (B, heads, L, d)
            projection.call(hiddenStates).unflatten(2, [config.NumAttentionHeads, -1]).transpose(1, 2);

        Tensor attended = ScaledDotProductAttention.Compute(Heads(_query), Heads(_key), Heads(_value), mask);
        return attended.transpose(1, 2).flatten(2).MoveToOuterDisposeScope();
    }
}

internal sealed class BertIntermediate(BertConfig config) : Module<Tensor, Tensor>(nameof(BertIntermediate))
{
    [ComponentName(Name = "dense")]
    private readonly Linear _dense = new(config.HiddenSize, config.IntermediateSize);

    // (B, L, D) -> (B, L, intermediate); GELU by the error function, not its tanh approximation
    public override Tensor forward(Tensor hiddenStates)
    {
        using var scope = NewDisposeScope();
        return functional.gelu(_dense.call(hiddenStates)).MoveToOuterDisposeScope();
    }
}

internal sealed class BertOutput(long width, BertConfig config) : Module<Tensor, Tensor, Tensor>(nameof(BertOutput))
{
    [ComponentName(Name = "dense")]
    private readonly Linear _dense = new(width, config.HiddenSize);

    [ComponentName(Name = "LayerNorm")]
    private readonly LayerNorm _layerNorm = new(config.HiddenSize, config.LayerNormEps);

    // (B, L, width) and the branch's input (B, L, D) -> (B, L, D)
    public override Tensor forward(Tensor hiddenStates, Tensor input)
    {
        using var scope = NewDisposeScope();
        return _layerNorm.call(_dense.call(hiddenStates).add_(input)).MoveToOuterDisposeScope();
    }
}
