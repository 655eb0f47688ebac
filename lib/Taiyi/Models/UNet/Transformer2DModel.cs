using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>A transformer block over the positions of a feature map, added to its input.</summary>
/// <remarks>
/// diffusers, models/transformers/transformer_2d.py, <c>Transformer2DModel</c> with continuous input. Its projections are
/// 1x1 convolutions in this family (<c>use_linear_projection</c> false).
/// </remarks>
public sealed class Transformer2DModel(long channels, long heads, long crossAttentionDim, long groups)
    : Module<Tensor, Tensor, Tensor>(nameof(Transformer2DModel))
{
    [ComponentName(Name = "norm")]
    private readonly GroupNorm _norm = new(groups, channels, eps: 1e-6);

    [ComponentName(Name = "proj_in")]
    private readonly Conv2d _projIn = new(channels, channels, kernelSize: 1);

    [ComponentName(Name = "transformer_blocks")]
    private readonly ModuleList<BasicTransformerBlock> _blocks = new(new BasicTransformerBlock(channels, heads, crossAttentionDim));

    [ComponentName(Name = "proj_out")]
    private readonly Conv2d _projOut = new(channels, channels, kernelSize: 1);

    /// <summary>Feature map (B, C, H, W) and caption (kB, L, D) -> (kB, C, H, W).</summary>
    public override Tensor forward(Tensor sample, Tensor context)
    {
        using var scope = NewDisposeScope();
        long[] plane = sample.shape[2..];
        Tensor hidden = Positions(sample); // (B, HW, C)
        hidden = _blocks[0].call(hidden, context);
        // Contiguous: with these strides every convolution that follows would transpose its weights first, in every call.
        hidden = hidden.transpose(1, 2).unflatten(2, plane).contiguous(); // (kB, C, H, W)
        return _projOut.call(hidden).add_(sample.RepeatTo(hidden.shape[0])).MoveToOuterDisposeScope();
    }

    // A scope of its own: the normalised map is gone before the attention.
    private Tensor Positions(Tensor sample)
    {
        using var scope = NewDisposeScope();
        return _projIn.call(_norm.call(sample)).flatten(2).transpose(1, 2).MoveToOuterDisposeScope();
    }
}
