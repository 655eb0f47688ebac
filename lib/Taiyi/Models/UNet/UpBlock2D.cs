using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>
/// One resolution of the way up: resnets that take in the skips of the way down, each followed by a transformer in the kind
/// <c>CrossAttnUpBlock2D</c>, then twice the size except in the last block.
/// </summary>
/// <remarks>diffusers, models/unets/unet_2d_blocks.py, <c>UpBlock2D</c> and <c>CrossAttnUpBlock2D</c>.</remarks>
public sealed class UpBlock2D : Module<Tensor, Tensor, Tensor, Stack<Tensor>, Tensor>
{
    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock2D> _resnets = new();

    [ComponentName(Name = "attentions")]
    private readonly ModuleList<Transformer2DModel>? _attentions;

    [ComponentName(Name = "upsamplers")]
    private readonly ModuleList<Upsample2D>? _upsamplers;

    /// <summary>
    /// The block that takes <paramref name="inChannels"/> from below to <paramref name="outChannels"/>; its last skip comes
    /// from the block before its counterpart and has <paramref name="lastSkipChannels"/>.
    /// </summary>
    public UpBlock2D(UNet2DConditionConfig config, long inChannels, long outChannels, long lastSkipChannels, bool crossAttention, bool upsample)
        : base(nameof(UpBlock2D))
    {
        _attentions = crossAttention ? new() : null;
        int layers = config.LayersPerBlock + 1;
        for (int layer = 0; layer < layers; layer++)
        {
            long channels = (layer == 0 ? inChannels : outChannels) + (layer == layers - 1 ? lastSkipChannels : outChannels);
            _resnets.append(new ResnetBlock2D(channels, outChannels, config.NormNumGroups, config.NormEps, config.TimeEmbedDim));
            _attentions?.append(new Transformer2DModel(outChannels, config.NumAttentionHeads, config.CrossAttentionDim, config.NormNumGroups));
        }

        _upsamplers = upsample ? new(new Upsample2D(outChannels)) : null;
    }

    /// <summary>Whether each layer keeps only its inputs for the backward pass.</summary>
    internal bool GradientCheckpointing { get; set; }

    /// <summary>
    /// (B, inChannels, H, W) -> (B, outChannels, 2H, 2W), or the size of the next skip where that was odd. Takes one skip a
    /// layer from <paramref name="skips"/>, the newest first.
    /// </summary>
    public override Tensor forward(Tensor sample, Tensor temb, Tensor encoderHiddenStates, Stack<Tensor> skips)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = sample.alias();
        for (int layer = 0; layer < _resnets.Count; layer++)
        {
            int index = layer;
            using Tensor skip = skips.Pop(), before = hidden; // used here alone
            hidden = GradientCheckpoint.Run(
                GradientCheckpointing, inputs => Layer(index, inputs[0], inputs[1], inputs[2], inputs[3]), before, skip, temb, encoderHiddenStates); // (B, outChannels, H, W)
        }

        hidden = _upsamplers?[0].call(hidden, skips.Peek().shape[2..]) ?? hidden; // (B, outChannels, 2H, 2W)
        return hidden.MoveToOuterDisposeScope();
    }

    // A scope of its own: the concatenated map is gone before the attention.
    private Tensor Resnet(int layer, Tensor sample, Tensor skip, Tensor temb)
    {
        using var scope = NewDisposeScope();
        Tensor both = cat([sample, skip.RepeatTo(sample.shape[0])], dim: 1); // (B, channels + skip's channels, H, W)
        return _resnets[layer].call(both, temb).MoveToOuterDisposeScope();
    }

    private Tensor Layer(int layer, Tensor sample, Tensor skip, Tensor temb, Tensor encoderHiddenStates)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = Resnet(layer, sample, skip, temb);
        hidden = _attentions?[layer].call(hidden, encoderHiddenStates) ?? hidden;
        return hidden.MoveToOuterDisposeScope();
    }
}
