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
    /// <param name="device">Device of the weights: the CPU when null; the meta device gives names and shapes without memory.</param>
    /// <param name="dtype">What the weights are kept in: float32 when null. See <see cref="Precision.ComputeDType"/>.</param>
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
    /// <param name="image">(B, 3, H, W), pixels in [-1, 1]; sides are multiples of the VAE's factor.</param>
    public DiagonalGaussianDistribution Encode(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor moments = _quantConv.call(_encoder.call(image.to(_quantConv.ComputeDType)));
        var posterior = new DiagonalGaussianDistribution(moments.to(image.dtype));
        posterior.Mean.MoveToOuterDisposeScope();
        posterior.LogVariance.MoveToOuterDisposeScope();
        return posterior;
    }

    /// <summary>
    /// Subtracts an offset from all latents without changing a picture: the mean of every posterior falls by it, and the
    /// decoder adds it back. Both are folded into the biases of the 1x1 convolutions at either end of the latents.
    /// </summary>
    /// <param name="offset">(C), a number for each latent channel, before the scaling factor; float32 on the CPU.</param>
    public void MoveOrigin(Tensor offset)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor weight = _postQuantConv.Weight.to(float32, CPU).flatten(1);                  // (C, C)
        _quantConv.Bias!.narrow(0, 0, offset.shape[0]).sub_(offset.to(_quantConv.Bias));
        _postQuantConv.Bias!.add_(weight.mv(offset).to(_postQuantConv.Bias));
    }

    /// <summary>Decodes latents to pictures.</summary>
    /// <param name="latents">(B, latent channels, H, W), divided by the scaling factor.</param>
    /// <returns>(B, 3, 8H, 8W) for four resolutions; pixels near [-1, 1], not clamped, in the latents' dtype.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor unquantized = _postQuantConv.call(latents.to(_postQuantConv.ComputeDType));
        Tensor picture = _decoder.call(unquantized);
        return picture.to(latents.dtype).MoveToOuterDisposeScope();
    }
}
