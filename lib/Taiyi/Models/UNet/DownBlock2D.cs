using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>
/// One resolution of the way down: resnets, each followed by a transformer in the kind <c>CrossAttnDownBlock2D</c>, then
/// half the size except in the last block.
/// </summary>
/// <remarks>diffusers, models/unets/unet_2d_blocks.py, <c>DownBlock2D</c> and <c>CrossAttnDownBlock2D</c>.</remarks>
public sealed class DownBlock2D : Module<Tensor, Tensor, Tensor, Stack<Tensor>, Tensor>
{
    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock2D> _resnets = new();

    [ComponentName(Name = "attentions")]
    private readonly ModuleList<Transformer2DModel>? _attentions;

    [ComponentName(Name = "downsamplers")]
    private readonly ModuleList<Downsample2D>? _downsamplers;

    /// <summary>The block that takes <paramref name="inChannels"/> to <paramref name="outChannels"/>.</summary>
    public DownBlock2D(UNet2DConditionConfig config, long inChannels, long outChannels, bool crossAttention, bool downsample)
        : base(nameof(DownBlock2D))
    {
        _attentions = crossAttention ? new() : null;
        for (int layer = 0; layer < config.LayersPerBlock; layer++)
        {
            long channels = layer == 0 ? inChannels : outChannels;
            _resnets.append(new ResnetBlock2D(channels, outChannels, config.NormNumGroups, config.NormEps, config.TimeEmbedDim));
            _attentions?.append(new Transformer2DModel(outChannels, config.NumAttentionHeads, config.CrossAttentionDim, config.NormNumGroups));
        }

        _downsamplers = downsample ? new(new Downsample2D(outChannels, padding: 1)) : null;
    }

    /// <summary>Whether each layer keeps only its inputs for the backward pass.</summary>
    internal bool GradientCheckpointing { get; set; }

    /// <summary>
    /// (B, inChannels, H, W) -> (B, outChannels, H/2, W/2). The output of every layer is pushed on <paramref name="skips"/>,
    /// owned by the caller's dispose scope, for the way up.
    /// </summary>
    public override Tensor forward(Tensor sample, Tensor temb, Tensor encoderHiddenStates, Stack<Tensor> skips)
    {
        Tensor hidden = sample;
        for (int layer = 0; layer < _resnets.Count; layer++)
        {
            int index = layer;
            hidden = GradientCheckpoint.Run(
                GradientCheckpointing, inputs => Layer(index, inputs[0], inputs[1], inputs[2]), hidden, temb, encoderHiddenStates); // (B, outChannels, H, W)
            skips.Push(hidden);
        }

        if (_downsamplers is not null)
        {
            hidden = _downsamplers[0].call(hidden); // (B, outChannels, H/2, W/2)
            skips.Push(hidden);
        }

        return hidden;
    }

    private Tensor Layer(int layer, Tensor sample, Tensor temb, Tensor encoderHiddenStates)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _resnets[layer].call(sample, temb);
        hidden = _attentions?[layer].call(hidden, encoderHiddenStates) ?? hidden;
        return hidden.MoveToOuterDisposeScope();
    }
}
