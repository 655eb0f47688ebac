using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>The middle of encoder and decoder, at the size of the latents: resnet, attention, resnet.</summary>
/// <remarks>diffusers, models/unets/unet_2d_blocks.py, <c>UNetMidBlock2D</c>.</remarks>
public sealed class VaeMidBlock(long channels, long groups) : Module<Tensor, Tensor>(nameof(VaeMidBlock))
{
    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock2D> _resnets = new(
        new ResnetBlock2D(channels, channels, groups, eps: 1e-6), new ResnetBlock2D(channels, channels, groups, eps: 1e-6));

    [ComponentName(Name = "attentions")]
    private readonly ModuleList<VaeAttention> _attentions = new(new VaeAttention(channels, groups));

    /// <summary>(B, C, H, W) -> (B, C, H, W).</summary>
    public override Tensor forward(Tensor sample)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _attentions[0].call(_resnets[0].call(sample, null));
        return _resnets[1].call(hidden, null).MoveToOuterDisposeScope();
    }
}
