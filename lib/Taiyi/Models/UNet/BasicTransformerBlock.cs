using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Self-attention, cross-attention to the caption and a feed-forward network, each added to its input.</summary>
/// <remarks>diffusers, models/attention.py, <c>BasicTransformerBlock</c>.</remarks>
public sealed class BasicTransformerBlock(long dim, long heads, long crossAttentionDim)
    : Module<Tensor, Tensor, Tensor>(nameof(BasicTransformerBlock))
{
    [ComponentName(Name = "norm1")]
    private readonly LayerNorm _norm1 = new(dim);

    [ComponentName(Name = "attn1")]
    private readonly CrossAttention _selfAttention = new(dim, dim, heads);

    [ComponentName(Name = "norm2")]
    private readonly LayerNorm _norm2 = new(dim);

    [ComponentName(Name = "attn2")]
    private readonly CrossAttention _crossAttention = new(dim, crossAttentionDim, heads);

    [ComponentName(Name = "norm3")]
    private readonly LayerNorm _norm3 = new(dim);

    [ComponentName(Name = "ff")]
    private readonly FeedForward _feedForward = new(dim);

    /// <summary>Positions (B, HW, dim) and caption (kB, L, crossAttentionDim) -> (kB, HW, dim): k is 1, or 2 where guidance begins.</summary>
    public override Tensor forward(Tensor sample, Tensor context)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = Residual(_norm1, sample, normalized => _selfAttention.call(normalized, normalized)); // (B, HW, dim)
        hidden = hidden.RepeatTo(context.shape[0]); // (kB, HW, dim)
        hidden = Residual(_norm2, hidden, normalized => _crossAttention.call(normalized, context));
        return Residual(_norm3, hidden, _feedForward.call).MoveToOuterDisposeScope();
    }

    // A scope of its own: what one branch needed is gone before the next begins.
    private static Tensor Residual(LayerNorm norm, Tensor hidden, Func<Tensor, Tensor> branch)
    {
        using var scope = NewDisposeScope();
        return branch(norm.call(hidden)).add_(hidden).MoveToOuterDisposeScope();
    }
}
