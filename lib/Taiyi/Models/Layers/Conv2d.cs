using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>A 2-D convolution with bias, weight of shape (outChannels, inChannels, kernelSize, kernelSize).</summary>
public sealed class Conv2d(long inChannels, long outChannels, long kernelSize, long stride = 1, long padding = 0)
    : WeightedLayer(nameof(Conv2d), [outChannels, inChannels, kernelSize, kernelSize], outChannels)
{
    private readonly bool _keepsSize = stride == 1 && kernelSize == 1 + (2 * padding);

    /// <summary>(B, inChannels, H, W) -> (B, outChannels, H/stride, W/stride).</summary>
    public override Tensor forward(Tensor input) =>
        _keepsSize && RowMap.IsLarge(input) && !IsWinograd(input) ? RowMap.Of(input).Convolve(this).ToTensor() : Convolve(input);

    /// <summary>The convolution of SiLU(norm(sample)), which in the fast case is never in memory as a whole.</summary>
    internal Tensor NormActivateConvolve(GroupNorm norm, Tensor sample)
    {
        using var scope = NewDisposeScope();
        if (!IsWinograd(sample))
        {
            // SiLU may overwrite the normalised map: autograd keeps what it needs of it.
            return call(functional.silu(norm.call(sample), inplace: true)).MoveToOuterDisposeScope();
        }

        (Tensor factor, Tensor term) = norm.Affine(norm.Moments(sample));
        return Apply(sample, (weight, bias) => WinogradConvolution.Convolve(sample, weight, bias!, factor, term)).MoveToOuterDisposeScope();
    }

    /// <summary>Some rows of the output, for a convolution that keeps the size; of the input it asks for one or more rows around them.</summary>
    internal Tensor Rows(RowMap input, long first, long last)
    {
        using var scope = NewDisposeScope();
        (long above, long below) = (Math.Max(first - padding, 0), Math.Min(last + padding, input.Height));
        using Tensor rows = input.Rows(above, below);
        return Convolve(rows).narrow(2, first - above, last - first).MoveToOuterDisposeScope(); // without those around them
    }

    private Tensor Convolve(Tensor input) => Apply(input, (weight, bias) => IsWinograd(input)
        ? WinogradConvolution.Convolve(input, weight, bias!)
        : functional.conv2d(input, weight, bias, [stride, stride], [padding, padding]));

    private bool IsWinograd(Tensor input) => _keepsSize && kernelSize == 3 && WinogradConvolution.Suits(input, Weight);
}
