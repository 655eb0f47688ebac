using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>
/// A convolution with large filters over few pixels: every pixel's neighbourhood becomes a column (im2col), and one matrix
/// product does the rest.
/// </summary>
/// <remarks>
/// Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for Document Processing", 2006, section 3.1.
/// libtorch's own convolution first brings the filters into an order of its own, in every call. At the bottom of Taiyi's UNet
/// they are 59 MB and more beside maps of 8 x 8 pixels, so that this takes as long as the arithmetic.
/// </remarks>
internal static class Im2ColConvolution
{
    // More than a processor's cache holds: there the copy costs most.
    private const long LeastFilterBytes = 32L << 20;

    // Of the output. With many, the columns become the larger part; with gradients the way back into a map is slow.
    private const long MostPixels = 512, MostPixelsInTraining = 256;

    /// <summary>Whether a convolution goes this way: float32 on a CPU, large filters and few pixels.</summary>
    /// <param name="input">(B, C, H, W).</param>
    /// <param name="weight">(O, C, k, k).</param>
    /// <param name="stride">Pixels of the input for one of the output.</param>
    public static bool Suits(Tensor input, Tensor weight, long stride) =>
        input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32
        && weight.numel() * sizeof(float) >= LeastFilterBytes
        && input.shape[0] * input.shape[2] * input.shape[3] <= stride * stride * (is_grad_enabled() ? MostPixelsInTraining : MostPixels);

    /// <summary>(B, C, H, W) -> (B, O, H/stride, W/stride).</summary>
    /// <param name="input">(B, C, H, W).</param>
    /// <param name="weight">(O, C, k, k).</param>
    /// <param name="bias">(O).</param>
    /// <param name="stride">Pixels of the input for one of the output.</param>
    /// <param name="padding">Zeros on every side.</param>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor bias, long stride, long padding)
    {
        using var scope = NewDisposeScope();
        long kernel = weight.shape[2];
        Tensor columns = functional.unfold(input, kernel, padding: padding, stride: stride);         // (B, C k k, H/stride W/stride)
        Tensor output = matmul(weight.flatten(1), columns).add_(bias.unsqueeze(1));                  // (B, O, H/stride W/stride)
        long[] size = [.. input.shape[2..].Select(side => ((side + (2 * padding) - kernel) / stride) + 1)];
        return output.unflatten(2, size).MoveToOuterDisposeScope();
    }

    /// <summary>The gradient of the input, (B, O, H/stride, W/stride) -> (B, C, H, W): the same two steps backward.</summary>
    /// <param name="gradient">Of the output.</param>
    /// <param name="weight">(O, C, k, k).</param>
    /// <param name="size">H and W.</param>
    /// <param name="stride">Pixels of the input for one of the output.</param>
    /// <param name="padding">Zeros on every side.</param>
    public static Tensor InputGradient(Tensor gradient, Tensor weight, long[] size, long stride, long padding)
    {
        using var scope = NewDisposeScope();
        Tensor columns = matmul(weight.flatten(1).t(), gradient.flatten(2));                         // (B, C k k, H/stride W/stride)
        long kernel = weight.shape[2];
        return functional.fold(columns, (size[0], size[1]), (kernel, kernel), padding: (padding, padding), stride: (stride, stride)).MoveToOuterDisposeScope();
    }
}
