using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>From latents to a picture.</summary>
/// <remarks>diffusers, models/autoencoders/vae.py, <c>Decoder</c>.</remarks>
public sealed class Decoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "conv_in")]
    private readonly Conv2d _convIn;

    [ComponentName(Name = "mid_block")]
    private readonly VaeMidBlock _midBlock;

    [ComponentName(Name = "up_blocks")]
    private readonly ModuleList<UpDecoderBlock2D> _upBlocks = new();

    [ComponentName(Name = "conv_norm_out")]
    private readonly GroupNorm _convNormOut;

    [ComponentName(Name = "conv_out")]
    private readonly Conv2d _convOut;

    /// <summary>The decoder of the given sizes.</summary>
    public Decoder(AutoencoderKLConfig config)
        : base(nameof(Decoder))
    {
        IReadOnlyList<int> channels = config.BlockOutChannels;
        int last = channels.Count - 1;
        _convIn = new(config.LatentChannels, channels[last], kernelSize: 3, padding: 1);
        _midBlock = new(channels[last], config.NormNumGroups);
        for (int i = last; i >= 0; i--)
        {
            _upBlocks.append(new UpDecoderBlock2D(config, channels[Math.Min(i + 1, last)], channels[i], upsample: i > 0));
        }

        _convNormOut = new(config.NormNumGroups, channels[0], eps: 1e-6);
        _convOut = new(channels[0], config.OutChannels, kernelSize: 3, padding: 1);
    }

    /// <summary>Latents (B, latent channels, H, W) -> picture (B, 3, 8H, 8W) for four resolutions.</summary>
    public override Tensor forward(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = Middle(latents); // (B, C, H, W)
        foreach (UpDecoderBlock2D block in _upBlocks)
        {
            hidden = block.Consume(hidden); // (B, C, 2H, 2W)
        }

        return _convNormOut.SiluConvolve(_convOut, hidden).MoveToOuterDisposeScope();
    }

    // Small, at the size of the latents.
    private Tensor Middle(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return _midBlock.call(_convIn.call(latents)).MoveToOuterDisposeScope();
    }
}

/// <summary>One resolution of the decoder: resnets, then twice the size except in the last block.</summary>
/// <remarks>diffusers, models/unets/unet_2d_blocks.py, <c>UpDecoderBlock2D</c>.</remarks>
public sealed class UpDecoderBlock2D : Module<Tensor, Tensor>
{
    [ComponentName(Name = "resnets")]
    private readonly ModuleList<ResnetBlock2D> _resnets = new();

    [ComponentName(Name = "upsamplers")]
    private readonly ModuleList<Upsample2D>? _upsamplers;

    /// <summary>The block that takes <paramref name="inChannels"/> to <paramref name="outChannels"/>.</summary>
    public UpDecoderBlock2D(AutoencoderKLConfig config, long inChannels, long outChannels, bool upsample)
        : base(nameof(UpDecoderBlock2D))
    {
        for (int layer = 0; layer <= config.LayersPerBlock; layer++)
        {
            _resnets.append(new ResnetBlock2D(layer == 0 ? inChannels : outChannels, outChannels, config.NormNumGroups, eps: 1e-6));
        }

        _upsamplers = upsample ? new(new Upsample2D(outChannels)) : null;
    }

    /// <summary>(B, inChannels, H, W) -> (B, outChannels, 2H, 2W).</summary>
    public override Tensor forward(Tensor sample) => Consume(sample.alias());

    /// <summary>The same, and frees the sample: full-size maps are the largest tensors of the whole model, and each is freed once the next exists.</summary>
    internal Tensor Consume(Tensor sample)
    {
        using var scope = NewDisposeScope();
        long[] size = [2 * sample.shape[2], 2 * sample.shape[3]];
        Tensor hidden = sample;
        foreach (ResnetBlock2D resnet in _resnets)
        {
            using Tensor before = hidden; // used here alone
            hidden = resnet.call(before, null); // (B, outChannels, H, W)
        }

        hidden = _upsamplers?[0].call(hidden, size) ?? hidden;
        return hidden.MoveToOuterDisposeScope();
    }
}
