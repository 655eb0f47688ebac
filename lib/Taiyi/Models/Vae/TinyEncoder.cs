using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>A small encoder that was distilled from a large VAE's; it gives scaled latents, the mean of the large one's posterior.</summary>
/// <remarks>TAESD (https://github.com/madebyollin/taesd, taesd.py), <c>Encoder</c>; diffusers, models/autoencoders/vae.py, <c>EncoderTiny</c>.</remarks>
public sealed class TinyEncoder : Module<Tensor, Tensor>
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<Module<Tensor, Tensor>> _layers = new();

    /// <summary>Builds the network with weights that are allocated, not initialised, and frozen.</summary>
    /// <param name="config">The sizes.</param>
    /// <param name="device">Device of the weights: the CPU when null.</param>
    /// <param name="dtype">What the weights are kept in: float32 when null. See <see cref="Precision.ComputeDType"/>.</param>
    public TinyEncoder(TinyVaeConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(TinyEncoder))
    {
        Config = config;
        for (int i = 0; i < config.Blocks.Count; i++)
        {
            _layers.append(i == 0
                ? new Conv2d(TinyVaeConfig.PictureChannels, config.Channels, kernelSize: 3, padding: 1)
                : new Conv2d(config.Channels, config.Channels, kernelSize: 3, stride: 2, padding: 1, bias: false));
            for (int block = 0; block < config.Blocks[i]; block++)
            {
                _layers.append(new TinyBlock(config.Channels));
            }
        }

        _layers.append(new Conv2d(config.Channels, config.LatentChannels, kernelSize: 3, padding: 1));
        RegisterComponents();
        WeightedLayer.Allocate(this, device, dtype);
    }

    /// <summary>The sizes that this network was built with.</summary>
    public TinyVaeConfig Config { get; }

    /// <summary>Pictures to latents.</summary>
    /// <param name="image">(B, 3, H, W), pixels in [-1, 1]; sides are multiples of the factor.</param>
    /// <returns>Scaled latents (B, C, H/8, W/8) for four resolutions, in the picture's dtype.</returns>
    public override Tensor forward(Tensor image)
    {
        using var scope = NewDisposeScope();
        Tensor unit = (image + 1) / 2; // [0, 1]
        return TinyBlock.Walk(_layers, unit.to(((Conv2d)_layers[0]).ComputeDType)).to(image.dtype).MoveToOuterDisposeScope();
    }
}
