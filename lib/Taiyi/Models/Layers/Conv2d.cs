using Taiyi.Cpu;
using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>A 2-D convolution, weight of shape (outChannels, inChannels, kernelSize, kernelSize).</summary>
public sealed class Conv2d(long inChannels, long outChannels, long kernelSize, long stride = 1, long padding = 0, bool bias = true)
    : WeightedLayer(nameof(Conv2d), [outChannels, inChannels, kernelSize, kernelSize], bias ? outChannels : null)
{
    /// <summary>Pixels from one place of the kernel to the next, in both directions.</summary>
    public long Stride => stride;

    /// <summary>Rows and columns of zeros around the input.</summary>
    public long Padding => padding;

    /// <summary>(B, inChannels, H, W) -> (B, outChannels, H/stride, W/stride).</summary>
    public override Tensor forward(Tensor input) => Kernels.Conv2d(input, Weight, Bias, Stride, Padding);
}
