using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>The bottom of the UNet, at its smallest size: resnet, transformer, resnet.</summary>
/// <remarks>diffusers, models/unets/unet_2d_blocks.py, <c>UNetMidBlock2DCrossAttn</c>.</remarks>
public sealed class UNetMidBlock2DCrossAttn : Module<Tensor, Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock2D> _resnets;

    [ComponentName(Name = "attentions")]
    private readonly ModuleList<Transformer2DModel> _attentions;

    /// <summary>The block for a number of channels, those of the last block down.</summary>
    public UNetMidBlock2DCrossAttn(UNet2DConditionConfig config, long channels)
        : base(nameof(UNetMidBlock2DCrossAttn))
    {
        ResnetBlock2D Resnet() => new(channels, channels, config.NormNumGroups, config.NormEps, config.TimeEmbedDim);
        _resnets = new(Resnet(), Resnet());
        _attentions = new(new Transformer2DModel(channels, config.NumAttentionHeads, config.CrossAttentionDim, config.NormNumGroups));
    }

    /// <summary>Whether the block keeps only its inputs for the backward pass.</summary>
    internal bool GradientCheckpointing { get; set; }

    /// <summary>Feature map (B, C, H, W), time embedding and caption (B, L, D) -> (B, C, H, W).</summary>
    public override Tensor forward(Tensor sample, Tensor temb, Tensor encoderHiddenStates)
    {
        return GradientCheckpoint.Run(GradientCheckpointing, inputs => Layers(inputs[0], inputs[1], inputs[2]), sample, temb, encoderHiddenStates);
    }

    private Tensor Layers(Tensor sample, Tensor temb, Tensor encoderHiddenStates)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _resnets[0].call(sample, temb);
        hidden = _attentions[0].call(hidden, encoderHiddenStates);
        return _resnets[1].call(hidden, temb).MoveToOuterDisposeScope();
    }
}
