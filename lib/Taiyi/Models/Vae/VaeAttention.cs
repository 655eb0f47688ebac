using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Self-attention over all positions with one head, added to its input.</summary>
/// <remarks>diffusers, models/attention_processor.py, <c>Attention</c> as the VAE's middle uses it.</remarks>
public sealed class VaeAttention(long channels, long groups) : Module<Tensor, Tensor>(nameof(VaeAttention))
{
    [ComponentName(Name = "group_norm")]
    private readonly GroupNorm _groupNorm = new(groups, channels, eps: 1e-6);

    [ComponentName(Name = "to_q")]
    private readonly Linear _toQ = new(channels, channels);

    [ComponentName(Name = "to_k")]
    private readonly Linear _toK = new(channels, channels);

    [ComponentName(Name = "to_v")]
    private readonly Linear _toV = new(channels, channels);

    [ComponentName(Name = "to_out")]
    private readonly ModuleList<Linear> _toOut = new(new Linear(channels, channels));

    /// <summary>(B, C, H, W) -> (B, C, H, W).</summary>
    public override Tensor forward(Tensor sample)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _groupNorm.call(sample).flatten(2).transpose(1, 2).unsqueeze(1); // (B, 1 head, HW, C)
        hidden = ScaledDotProductAttention.Compute(_toQ.call(hidden), _toK.call(hidden), _toV.call(hidden));
        hidden = _toOut[0].call(hidden.squeeze(1)); // (B, HW, C)
        hidden = hidden.transpose(1, 2).unflatten(2, sample.shape[2..]).contiguous(); // see Transformer2DModel
        return hidden.add_(sample).MoveToOuterDisposeScope();
    }
}
