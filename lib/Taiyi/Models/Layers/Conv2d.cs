using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>A 2-D convolution with bias, weight of shape (outChannels, inChannels, kernelSize, kernelSize).</summary>
public sealed class Conv2d(long inChannels, long outChannels, long kernelSize, long stride = 1, long padding = 0)
    : WeightedLayer(nameof(Conv2d), [outChannels, inChannels, kernelSize, kernelSize], outChannels)
{
    // Maps of the UNet stay below this, those of the VAE at the picture's size are 128 MiB and more at Taiyi's size.
    private const long StripBytes = 16L << 20;

    /// <summary>(B, inChannels, H, W) -> (B, outChannels, H/stride, W/stride).</summary>
    public override Tensor forward(Tensor input)
    {
        long bytesOfRow = input.shape[0] * inChannels * input.shape[3] * input.ElementSize;
        bool large = bytesOfRow * input.shape[2] > 4 * StripBytes;
        bool keepsSize = stride == 1 && 2 * padding == kernelSize - 1;
        return large && keepsSize && input.device_type == DeviceType.CPU && !is_grad_enabled()
            ? InStrips(input, Math.Max(1, StripBytes / bytesOfRow))
            : Convolve(input, rowPadding: padding);
    }

    /// <summary>
    /// The same output, some rows at a time: libtorch's convolution copies its input and output into an order of its own,
    /// which for a strip takes a fraction of the memory that it takes for the whole map.
    /// </summary>
    internal Tensor InStrips(Tensor input, long rows)
    {
        using var scope = NewDisposeScope();
        long height = input.shape[2];
        RowMap map = RowMap.Of(input);
        Tensor output = empty([input.shape[0], outChannels, height, input.shape[3]], input.dtype, input.device);
        for (long top = 0; top < height; top += rows)
        {
            using Tensor strip = Rows(map, top, Math.Min(top + rows, height));
            output.narrow(2, top, strip.shape[2]).copy_(strip);
        }

        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Some rows of the output, for a convolution that keeps the size; of the input it asks for one or more rows around them.</summary>
    internal Tensor Rows(RowMap input, long first, long last)
    {
        using var scope = NewDisposeScope();
        (long above, long below) = (Math.Max(first - padding, 0), Math.Min(last + padding, input.Height));
        Tensor strip = functional.pad(input.Rows(above, below), [0, 0, above - (first - padding), last + padding - below]); // zeros beyond the map
        return Convolve(strip, rowPadding: 0).MoveToOuterDisposeScope();
    }

    private Tensor Convolve(Tensor input, long rowPadding) =>
        functional.conv2d(input, Weight, Bias, [stride, stride], [rowPadding, padding]);
}
