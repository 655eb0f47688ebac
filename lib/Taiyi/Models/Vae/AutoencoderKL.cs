using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Variational autoencoder between pictures and the latents in which diffusion takes place.</summary>
/// <remarks>
/// diffusers, models/autoencoders/autoencoder_kl.py, <c>AutoencoderKL</c>; arXiv:2112.10752, section 3.1. Latents here are not
/// scaled: the caller multiplies by <see cref="AutoencoderKLConfig.ScalingFactor"/> after encoding, and divides before decoding.
/// </remarks>
public sealed class AutoencoderKL : Module
{
    [ComponentName(Name = "encoder")]
    private readonly Encoder _encoder;

    [ComponentName(Name = "decoder")]
    private readonly Decoder _decoder;

    [ComponentName(Name = "quant_conv")]
    private readonly Conv2d _quantConv;

    [ComponentName(Name = "post_quant_conv")]
    private readonly Conv2d _postQuantConv;

    /// <summary>Builds the network with weights that are allocated, not initialised, and frozen.</summary>
    /// <param name="config">The sizes, from the model's own <c>vae/config.json</c>.</param>
    /// <param name="device">Where the weights lie: the CPU when null; the meta device gives names and shapes without memory.</param>
    /// <param name="dtype">Type of weights and activations: float32 when null.</param>
    public AutoencoderKL(AutoencoderKLConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(AutoencoderKL))
    {
        Config = config;
        _encoder = new(config);
        _decoder = new(config);
        _quantConv = new(2 * config.LatentChannels, 2 * config.LatentChannels, kernelSize: 1);
        _postQuantConv = new(config.LatentChannels, config.LatentChannels, kernelSize: 1);
        RegisterComponents();
        WeightedLayer.Allocate(this, device, dtype);
    }

    /// <summary>The sizes that this network was built with.</summary>
    public AutoencoderKLConfig Config { get; }

    /// <summary>The posterior over the latents of a picture; the caller disposes it.</summary>
    /// <param name="image">(B, 3, H, W), pixels in [-1, 1], the network's dtype; sides are multiples of the VAE's factor.</param>
    public DiagonalGaussianDistribution Encode(Tensor image)
    {
        using var scope = NewDisposeScope();
        var posterior = new DiagonalGaussianDistribution(_quantConv.call(_encoder.call(image)));
        posterior.Mean.MoveToOuterDisposeScope();
        posterior.LogVariance.MoveToOuterDisposeScope();
        return posterior;
    }

    /// <summary>The picture of some latents.</summary>
    /// <param name="latents">(B, latent channels, H, W), divided by the scaling factor, the network's dtype.</param>
    /// <returns>(B, 3, 8H, 8W) for four resolutions; pixels near [-1, 1], not clamped.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return _decoder.call(_postQuantConv.call(latents)).MoveToOuterDisposeScope();
    }
}
