using TorchSharp;
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
        return Posterior(_encoder.call(image.to(_quantConv.ComputeDType)), image.dtype);
    }

    /// <summary>The outer levels' map of a picture, (B, C, H/f, W/f) for a factor of f, from which <see cref="EncodeInner"/> and <see cref="Middle"/> go on.</summary>
    /// <param name="image">(B, 3, H, W), pixels in [-1, 1].</param>
    internal Tensor EncodeOuter(Tensor image)
    {
        using var scope = NewDisposeScope();
        return _encoder.Down(image.to(_quantConv.ComputeDType)).MoveToOuterDisposeScope();
    }

    /// <summary>The posterior from the map of a network that has a level less, but else the same outer levels.</summary>
    /// <param name="map">What that network's <see cref="EncodeOuter"/> gives.</param>
    internal DiagonalGaussianDistribution EncodeInner(Tensor map)
    {
        using var scope = NewDisposeScope();
        return Posterior(_encoder.Finish(_encoder.DownInnermost(map)), ScalarType.Float32);
    }

    /// <summary>The map from which the decoder of a network with a level less begins its first resolution, of its latents' mean.</summary>
    /// <param name="map">What <see cref="EncodeOuter"/> gives.</param>
    internal Tensor Middle(Tensor map)
    {
        using var scope = NewDisposeScope();
        using DiagonalGaussianDistribution posterior = Posterior(_encoder.Finish(map), map.dtype);
        return _decoder.Middle(_postQuantConv.call(posterior.Mean)).MoveToOuterDisposeScope();
    }

    /// <summary>The map after the decoder's innermost resolution, which stands for what <see cref="Middle"/> gives of a network with a level less.</summary>
    /// <param name="latents">(B, latent channels, H, W), divided by the scaling factor.</param>
    internal Tensor DecodeInner(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return _decoder.UpInnermost(_postQuantConv.call(latents.to(_postQuantConv.ComputeDType))).MoveToOuterDisposeScope();
    }

    private DiagonalGaussianDistribution Posterior(Tensor encoded, ScalarType dtype)
    {
        var posterior = new DiagonalGaussianDistribution(_quantConv.call(encoded).to(dtype));
        posterior.Mean.MoveToOuterDisposeScope();
        posterior.LogVariance.MoveToOuterDisposeScope();
        return posterior;
    }

    /// <summary>
    /// Takes an offset off all latents without changing a picture: the mean of every posterior becomes smaller by it, and the
    /// decoder adds it again. Both are folded into the biases of the 1x1 convolutions at either end of the latents.
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

    /// <summary>
    /// Whether <see cref="Decode"/> works in tiles, as after <c>enable_vae_tiling</c> of diffusers: half the memory for
    /// somewhat more than twice the time. True and false decide it; null, the default, takes tiles on a CPU whose
    /// free memory is smaller than <see cref="DecodeBytes"/>, unless gradients are recorded.
    /// </summary>
    /// <remarks>
    /// Tiles of diffusers overlap and are blended, because each is normalised by its own mean and variance; tones differ by
    /// several grey levels. Tiles here are strips of rows with the statistics of the whole picture, computed first: the
    /// picture is the same but for rounding, and nothing is to be blended. (<c>enable_vae_slicing</c>, one picture of a batch
    /// at a time, is what <see cref="StableDiffusionPipeline.Decode"/> always does.)
    /// </remarks>
    public bool? UseTiling { get; set; }

    /// <summary>The picture of some latents.</summary>
    /// <param name="latents">(B, latent channels, H, W), divided by the scaling factor.</param>
    /// <returns>(B, 3, 8H, 8W) for four resolutions; pixels near [-1, 1], not clamped, in the latents' dtype.</returns>
    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor unquantized = _postQuantConv.call(latents.to(_postQuantConv.ComputeDType));
        bool tiles = UseTiling ?? (!is_grad_enabled() && latents.device_type == DeviceType.CPU && DecodeBytes(unquantized) > FreeMemory.Bytes);
        Tensor picture = tiles ? _decoder.InRows(unquantized) : _decoder.call(unquantized);
        return picture.to(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Memory that decoding needs in one piece, without gradients, in bytes: three and a half times the decoder's largest map,
    /// which has the picture's size and the channels of the second resolution. An estimate, measured at Taiyi's size
    /// (tests/Taiyi.Benchmarks).
    /// </summary>
    /// <param name="latents">(B, latent channels, H, W), in the dtype that is computed in.</param>
    public long DecodeBytes(Tensor latents)
    {
        long pixels = latents.shape[0] * latents.shape[2] * latents.shape[3] * Config.DownscaleFactor * Config.DownscaleFactor;
        return 7 * pixels * Config.BlockOutChannels.Take(2).Max() * latents.ElementSize / 2;
    }
}
