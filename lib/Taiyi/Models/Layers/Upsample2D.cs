using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Repeats the nearest pixel up to a given size, then a 3x3 convolution.</summary>
/// <remarks>diffusers, models/upsampling.py, <c>Upsample2D</c>.</remarks>
public sealed class Upsample2D(long channels) : Module<Tensor, long[], Tensor>(nameof(Upsample2D))
{
    [ComponentName(Name = "conv")]
    private readonly Conv2d _conv = new(channels, channels, kernelSize: 3, padding: 1);

    /// <summary>(B, C, H, W) and the wanted [height, width] -> (B, C, height, width).</summary>
    public override Tensor forward(Tensor sample, long[] size)
    {
        using var scope = NewDisposeScope();
        return _conv.call(functional.interpolate(sample, size, mode: InterpolationMode.Nearest)).MoveToOuterDisposeScope();
    }
}
