using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>From a picture to the parameters of its posterior over latents.</summary>
/// <remarks>diffusers, models/autoencoders/vae.py, <c>Encoder</c>.</remarks>
public sealed class Encoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv_in")]
    private readonly Conv2d _convIn;

    [ComponentName(Name = "down_blocks")]
    private readonly ModuleList<DownEncoderBlock2D> _downBlocks = new();

    [ComponentName(Name = "mid_block")]
    private readonly VaeMidBlock _midBlock;

    [ComponentName(Name = "conv_norm_out")]
    private readonly GroupNorm _convNormOut;

    [ComponentName(Name = "conv_out")]
    private readonly Conv2d _convOut;

    /// <summary>The encoder of the given sizes.</summary>
    public Encoder(AutoencoderKLConfig config)
        : base(nameof(Encoder))
    {
        IReadOnlyList<int> channels = config.BlockOutChannels;
        int last = channels.Count - 1;
        _convIn = new(config.InChannels, channels[0], kernelSize: 3, padding: 1);
        for (int i = 0; i <= last; i++)
        {
            _downBlocks.append(new DownEncoderBlock2D(config, channels[Math.Max(i - 1, 0)], channels[i], downsample: i < last));
        }

        _midBlock = new(channels[last], config.NormNumGroups);
        _convNormOut = new(config.NormNumGroups, channels[last], eps: 1e-6);
        _convOut = new(channels[last], 2 * config.LatentChannels, kernelSize: 3, padding: 1);
    }

    /// <summary>Picture (B, 3, H, W) -> (B, 2 latent channels, H/8, W/8) for four resolutions.</summary>
    public override Tensor forward(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _convIn.call(image); // (B, C, H, W)
        foreach (DownEncoderBlock2D block in _downBlocks)
        {
            using Tensor above = hidden; // used here alone
            hidden = block.call(above); // (B, C, H/2, W/2)
        }

        hidden = _midBlock.call(hidden);
        return _convNormOut.SiluConvolve(_convOut, hidden).MoveToOuterDisposeScope();
    }
}

/// <summary>One resolution of the encoder: resnets, then half the size except in the last block.</summary>
/// <remarks>diffusers, models/unets/unet_2d_blocks.py, <c>DownEncoderBlock2D</c>.</remarks>
public sealed class DownEncoderBlock2D : Module<Tensor, Tensor>
{
    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock2D> _resnets = new();

    [ComponentName(Name = "downsamplers")]
    private readonly ModuleList<Downsample2D>? _downsamplers;

    /// <summary>The block that takes <paramref name="inChannels"/> to <paramref name="outChannels"/>.</summary>
    public DownEncoderBlock2D(AutoencoderKLConfig config, long inChannels, long outChannels, bool downsample)
        : base(nameof(DownEncoderBlock2D))
    {
        for (int layer = 0; layer < config.LayersPerBlock; layer++)
        {
            _resnets.append(new ResnetBlock2D(layer == 0 ? inChannels : outChannels, outChannels, config.NormNumGroups, eps: 1e-6));
        }

        _downsamplers = downsample ? new(new Downsample2D(outChannels, padding: 0)) : null;
    }

    /// <summary>(B, inChannels, H, W) -> (B, outChannels, H/2, W/2).</summary>
    public override Tensor forward(Tensor sample)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = sample.alias();
        foreach (ResnetBlock2D resnet in _resnets)
        {
            using Tensor before = hidden; // used here alone
            hidden = resnet.call(before, null); // (B, outChannels, H, W)
        }

        hidden = _downsamplers?[0].call(hidden) ?? hidden;
        return hidden.MoveToOuterDisposeScope();
    }
}
