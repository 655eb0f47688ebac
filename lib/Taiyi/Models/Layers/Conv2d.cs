using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>A 2-D convolution with bias, weight of shape (outChannels, inChannels, kernelSize, kernelSize).</summary>
public sealed class Conv2d(long inChannels, long outChannels, long kernelSize, long stride = 1, long padding = 0)
    : WeightedLayer(nameof(Conv2d), [outChannels, inChannels, kernelSize, kernelSize], outChannels)
{
    /// <summary>(B, inChannels, H, W) -> (B, outChannels, H/stride, W/stride).</summary>
    public override Tensor forward(Tensor input) => Convolve(input, rowPadding: padding);

    /// <summary>Some rows of the output, for a convolution that keeps the size; of the input it asks for one or more rows around them.</summary>
    internal Tensor Rows(RowMap input, long first, long last)
    {
        using var scope = NewDisposeScope();
        (long above, long below) = (Math.Max(first - padding, 0), Math.Min(last + padding, input.Height));
        return Convolve(Padded(), rowPadding: 0).MoveToOuterDisposeScope();

        Tensor Padded()
        {
            using Tensor rows = input.Rows(above, below);
            return functional.pad(rows, [0, 0, above - (first - padding), last + padding - below]); // zeros beyond the map
        }
    }

    private Tensor Convolve(Tensor input, long rowPadding) =>
        functional.conv2d(input, Weight, Bias, [stride, stride], [rowPadding, padding]);
}
