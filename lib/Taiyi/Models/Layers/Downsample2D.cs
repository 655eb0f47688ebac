using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Halves height and width by a 3x3 convolution of stride 2.</summary>
/// <remarks>
/// diffusers, models/downsampling.py, <c>Downsample2D</c>. The UNet pads every side by one; the VAE's encoder pads the right
/// and lower side only (<paramref name="padding"/> 0), as the TensorFlow code that it descends from.
/// </remarks>
public sealed class Downsample2D(long channels, long padding) : Module<Tensor, Tensor>(nameof(Downsample2D))
{
    [ComponentName(Name = "conv")]
    private readonly Conv2d _conv = new(channels, channels, kernelSize: 3, stride: 2, padding);

    /// <summary>(B, C, H, W) -> (B, C, H/2, W/2).</summary>
    public override Tensor forward(Tensor sample)
    {
        using var scope = NewDisposeScope();
        Tensor padded = padding == 0 ? functional.pad(sample, [0, 1, 0, 1]) : sample; // (left, right, top, bottom)
        return _conv.call(padded).MoveToOuterDisposeScope();
    }
}
