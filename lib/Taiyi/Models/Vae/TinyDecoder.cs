using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>
/// A small decoder that was distilled from a large VAE's: pictures a little softer for a fiftieth of the arithmetic, for previews and
/// drafts. It takes scaled latents, as they are between the steps.
/// </summary>
/// <remarks>TAESD (https://github.com/madebyollin/taesd, taesd.py), <c>Decoder</c>; diffusers, models/autoencoders/vae.py, <c>DecoderTiny</c>.</remarks>
public sealed class TinyDecoder : Module<Tensor, Tensor>
{
    private const double Magnitude = 3; // latents are softly clamped to ± this

    [ComponentName(Name = "layers")]
    private readonly ModuleList<Module<Tensor, Tensor>> _layers = new();

    /// <summary>Builds the network with weights that are allocated, not initialised, and frozen.</summary>
    /// <param name="config">The sizes.</param>
    /// <param name="device">Device of the weights: the CPU when null.</param>
    /// <param name="dtype">What the weights are kept in: float32 when null. See <see cref="Precision.ComputeDType"/>.</param>
    public TinyDecoder(TinyVaeConfig config, Device? device = null, ScalarType? dtype = null)
        : base(nameof(TinyDecoder))
    {
        Config = config;
        _layers.append(new Conv2d(config.LatentChannels, config.Channels, kernelSize: 3, padding: 1));
        _layers.append(ReLU());
        for (int i = 0; i < config.Blocks.Count; i++)
        {
            bool isLast = i == config.Blocks.Count - 1;
            for (int block = 0; block < config.Blocks[i]; block++)
            {
                _layers.append(new TinyBlock(config.Channels));
            }

            if (!isLast)
            {
                _layers.append(Upsample(scale_factor: [2, 2]));
            }

            _layers.append(new Conv2d(config.Channels, isLast ? TinyVaeConfig.PictureChannels : config.Channels, kernelSize: 3, padding: 1, bias: isLast));
        }

        RegisterComponents();
        WeightedLayer.Allocate(this, device, dtype);
    }

    /// <summary>The sizes that this network was built with.</summary>
    public TinyVaeConfig Config { get; }

    /// <summary>Latents to pictures.</summary>
    /// <param name="latents">Scaled latents (B, C, H, W).</param>
    /// <returns>(B, 3, 8H, 8W) for four resolutions; pixels near [-1, 1], not clamped, in the latents' dtype.</returns>
    public override Tensor forward(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor clamped = (latents / Magnitude).tanh() * Magnitude;
        Tensor picture = TinyBlock.Walk(_layers, clamped.to(((Conv2d)_layers[0]).ComputeDType)); // [0, 1]
        return (picture.to(latents.dtype) * 2 - 1).MoveToOuterDisposeScope();
    }
}
