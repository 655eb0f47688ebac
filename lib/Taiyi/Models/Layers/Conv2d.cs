using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>A 2-D convolution with bias, weight of shape (outChannels, inChannels, kernelSize, kernelSize).</summary>
public sealed class Conv2d(long inChannels, long outChannels, long kernelSize, long stride = 1, long padding = 0)
    : WeightedLayer(nameof(Conv2d), [outChannels, inChannels, kernelSize, kernelSize], outChannels)
{
    private const long OutputBlock = 16;

    private readonly bool _keepsSize = stride == 1 && kernelSize == 1 + (2 * padding);

    /// <summary>(B, inChannels, H, W) -> (B, outChannels, H/stride, W/stride).</summary>
    public override Tensor forward(Tensor input)
    {
        bool winograd = IsWinograd(input);
        if (_keepsSize && RowMap.IsLarge(input) && !winograd)
        {
            return RowMap.Of(input).Convolve(this).ToTensor();
        }

        if (!PassesGradientAlone(input) || !(winograd || Converts(input)))
        {
            return Convolve(input);
        }

        long[] size = input.shape[2..]; // the backward pass comes when the input may be gone
        return FrozenLayer.Run(input, Convolve, gradient => InputGradient(gradient, size));
    }

    /// <summary>The convolution of SiLU(norm(sample)), which in the fast case is never in memory as a whole.</summary>
    internal Tensor NormActivateConvolve(GroupNorm norm, Tensor sample)
    {
        using var scope = NewDisposeScope();
        if (is_grad_enabled() || !IsWinograd(sample))
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

    private Tensor Convolve(Tensor input) => Apply(input, (weight, bias) =>
        IsWinograd(input) ? (LeavesWeights ? WinogradConvolution.Convolve(input, weight, bias!) : WinogradLayer.Run(input, weight, bias!))
        : IsIm2Col(input, stride) ? Im2ColConvolution.Convolve(input, weight, bias!, stride, padding)
        : !LeavesWeights && input.device_type == DeviceType.CPU && outChannels % OutputBlock > 0 ? ConvolveInWholeBlocks(input, weight, bias!)
        : functional.conv2d(input, weight, bias, [stride, stride], [padding, padding]));

    // libtorch's own convolution on a CPU (oneDNN) computes outputs in blocks of 16. Of a block that is not full its gradient of the
    // input reads memory that nobody filled, times weights of 0: NaN where that memory holds no finite numbers.
    private Tensor ConvolveInWholeBlocks(Tensor input, Tensor weight, Tensor bias)
    {
        using var scope = NewDisposeScope();
        long missing = OutputBlock - (outChannels % OutputBlock);
        Tensor whole = functional.conv2d(
            input, functional.pad(weight, [0, 0, 0, 0, 0, 0, 0, missing]), functional.pad(bias, [0, missing]), [stride, stride], [padding, padding]);
        return whole.narrow(1, 0, outChannels).MoveToOuterDisposeScope();
    }

    private Tensor InputGradient(Tensor gradient, long[] size) => Apply(gradient, (weight, _) =>
        IsWinograd(gradient) ? WinogradConvolution.InputGradient(gradient, weight)
        : IsIm2Col(gradient, stride: 1) ? Im2ColConvolution.InputGradient(gradient, weight, size, stride, padding)
        : functional.conv_transpose2d(gradient, weight, null, [stride, stride], [padding, padding], [Skipped(size[0]), Skipped(size[1])]));

    // Where the stride skips pixels at the lower and right edge, their gradient is zero.
    private long Skipped(long side) => (side + (2 * padding) - kernelSize) % stride;

    private bool IsWinograd(Tensor input) => _keepsSize && kernelSize == 3 && WinogradConvolution.Suits(input, Weight);

    // It has no gradient for the weights.
    private bool IsIm2Col(Tensor input, long stride) => kernelSize == 3 && Im2ColConvolution.Suits(input, Weight, stride) && LeavesWeights;

    private bool LeavesWeights => !is_grad_enabled() || IsFrozen;
}
