using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Cpu;

/// <summary>
/// How a layer is computed: by libtorch's own kernel, or by another that gives the same numbers faster. The one place that
/// decides; what each choice is worth is measured in tests/Taiyi.Benchmarks.
/// </summary>
/// <remarks>
/// Weights may be kept in another dtype than the input's: they are converted for the call. In a training that leaves a layer's
/// weights as they are (a LoRA's), only the gradient of its input is computed: see <see cref="FrozenLayer"/>.
/// </remarks>
internal static class Kernels
{
    // Vectors and features of a linear map that oneDNN multiplies faster than MKL. With fewer vectors or longer ones, its way of
    // going through the weights costs more than it saves.
    private const long MinVectors = 512, MaxFeatures = 2560;

    // Of a position-wise network's inner layer, gate included, the largest tensor of a UNet. So much stays near the cache, and in
    // the C library's heap: what is larger than 32 MiB would be taken from the system anew in every call.
    private const long MaxInnerBytes = 24 << 20;

    // Outputs that oneDNN computes together.
    private const long OutputBlock = 16;

    // CPUID leaf 0 gives the maker's name: "Auth" "enti" "cAMD".
    private static readonly bool IsAmd = X86Base.IsSupported && X86Base.CpuId(0, 0) is { Ebx: 0x68747541, Edx: 0x69746E65, Ecx: 0x444D4163 };

    static Kernels() => NativeEnvironment.QuietLog();

    /// <summary>x Wᵀ + b.</summary>
    /// <param name="input">x, (…, inFeatures).</param>
    /// <param name="weight">W, (outFeatures, inFeatures).</param>
    /// <param name="bias">b, (outFeatures), or null.</param>
    /// <returns>(…, outFeatures); the caller owns it.</returns>
    public static Tensor Linear(Tensor input, Tensor weight, Tensor? bias)
    {
        if (PassesGradientAlone(input, weight, bias) && weight.dtype != input.dtype)
        {
            return FrozenLayer.Run(
                input,
                x => InDTypeOf(x, weight, bias, (w, b) => functional.linear(x, w, b)),
                gradient => InDTypeOf(gradient, weight, null, (w, _) => matmul(gradient, w)));
        }

        long features = weight.shape[1];
        bool asConvolution = IsAmd && !is_grad_enabled() && input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32
            && features <= MaxFeatures && input.numel() >= MinVectors * features;
        return InDTypeOf(input, weight, bias, (w, b) => asConvolution ? LinearAsConvolution(input, w, b) : functional.linear(input, w, b));
    }

    /// <summary>The convolution of a map with square filters, plus a bias.</summary>
    /// <param name="input">(B, C, H, W).</param>
    /// <param name="weight">(O, C, k, k).</param>
    /// <param name="bias">(O).</param>
    /// <param name="stride">Pixels of the input for one of the output.</param>
    /// <param name="padding">Zeros on every side.</param>
    /// <returns>(B, O, H/stride, W/stride); the caller owns it.</returns>
    public static Tensor Conv2d(Tensor input, Tensor weight, Tensor? bias, long stride, long padding)
    {
        long outputs = weight.shape[0];
        if (outputs % OutputBlock > 0 && input.device_type == DeviceType.CPU
            && (input.dtype != ScalarType.Float32 || (input.requires_grad && is_grad_enabled())))
        {
            // Of a block of outputs that is not full, oneDNN's gradient of the input multiplies memory that nobody filled by 0: NaN,
            // where that memory holds no finite numbers. In bfloat16 its outputs are wrong too, on processors with units for it.
            using var scope = NewDisposeScope();
            long missing = OutputBlock - (outputs % OutputBlock);
            Tensor whole = Conv2d(input, functional.pad(weight, [0, 0, 0, 0, 0, 0, 0, missing]), bias is null ? null : functional.pad(bias, [0, missing]), stride, padding);
            return whole.narrow(1, 0, outputs).MoveToOuterDisposeScope();
        }

        bool winograd = bias is not null && IsWinograd(input, weight, stride, padding);
        if (PassesGradientAlone(input, weight, bias) && (winograd || weight.dtype != input.dtype))
        {
            long[] size = input.shape[2..]; // the backward pass comes when the input may be gone
            return FrozenLayer.Run(
                input,
                x => Convolve(x, weight, bias, stride, padding, winograd),
                gradient => InDTypeOf(gradient, weight, null, (w, _) => InputGradient(gradient, w, size, stride, padding)));
        }

        return Convolve(input, weight, bias, stride, padding, winograd);
    }

    /// <summary>The 3x3 convolution of SiLU(GroupNorm(x)), which in the fast case is never stored as a whole.</summary>
    /// <param name="input">x, (B, C, H, W).</param>
    /// <param name="norm">Weight γ and bias β (C), number of groups, and ε.</param>
    /// <param name="weight">(O, C, 3, 3), of a convolution of stride 1 and padding 1.</param>
    /// <param name="bias">(O).</param>
    /// <returns>(B, O, H, W), or null where there is no fast way: compute the three one after the other.</returns>
    public static Tensor? NormSiluConv2d(Tensor input, (Tensor Weight, Tensor Bias, long Groups, double Eps) norm, Tensor weight, Tensor bias)
    {
        if (is_grad_enabled() || !IsWinograd(input, weight, stride: 1, padding: 1))
        {
            return null;
        }

        using var scope = NewDisposeScope();
        (Tensor factor, Tensor term) = GroupNormAffine.Of(input, norm.Weight, norm.Bias, norm.Groups, norm.Eps);
        Tensor output = InDTypeOf(input, weight, bias, (w, b) => WinogradConvolution.Convolve(input, w, b!, factor, term));
        HeapHoles.Count(output);
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>Applies a position-wise network, to a block of positions at a time where its inner layer is large.</summary>
    /// <param name="input">(B, L, D).</param>
    /// <param name="innerWidth">Width of the network's widest layer.</param>
    /// <param name="network">(…, D) -> (…, D).</param>
    /// <returns>(B, L, D); the caller owns it.</returns>
    public static Tensor Positionwise(Tensor input, long innerWidth, Func<Tensor, Tensor> network)
    {
        long positions = MaxInnerBytes / (innerWidth * input.ElementSize);
        if (is_grad_enabled() || input.device_type != DeviceType.CPU || input.numel() <= positions * input.shape[^1])
        {
            return network(input);
        }

        using var scope = NewDisposeScope();
        return cat([.. input.flatten(0, 1).split(positions).Select(network)]).view(input.shape).MoveToOuterDisposeScope();
    }

    private static Tensor Convolve(Tensor input, Tensor weight, Tensor? bias, long stride, long padding, bool winograd)
    {
        bool isTrained = is_grad_enabled() && !IsFrozen(weight, bias);
        Tensor output = InDTypeOf(input, weight, bias, (w, b) =>
            !winograd ? functional.conv2d(input, w, b, [stride, stride], [padding, padding])
            : isTrained ? WinogradLayer.Run(input, w, b!)
            : WinogradConvolution.Convolve(input, w, b!));
        HeapHoles.Count(output);
        return output;
    }

    private static Tensor InputGradient(Tensor gradient, Tensor weight, long[] size, long stride, long padding)
    {
        if (IsWinograd(gradient, weight, stride, padding))
        {
            return WinogradConvolution.InputGradient(gradient, weight);
        }

        // Where the stride skips pixels at the lower and right edge, their gradient is zero.
        long Skipped(long side) => (side + (2 * padding) - weight.shape[2]) % stride;
        return functional.conv_transpose2d(gradient, weight, null, [stride, stride], [padding, padding], [Skipped(size[0]), Skipped(size[1])]);
    }

    // libtorch multiplies matrices with Intel's MKL and convolves with oneDNN, which on AMD's processors is the faster of the two.
    // Every vector is a pixel, its features the channels; they stay where they are in memory. The result is a view, which a layer
    // of autograd's could not hand on to be added to in place.
    private static Tensor LinearAsConvolution(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = input.reshape(1, -1, 1, weight.shape[1]).permute(0, 3, 1, 2);                // (1, inFeatures, n, 1)
        Tensor output = functional.conv2d(pixels, weight.unsqueeze(-1).unsqueeze(-1), bias);         // (1, outFeatures, n, 1)
        return output.permute(0, 2, 3, 1).reshape([.. input.shape[..^1], weight.shape[0]]).MoveToOuterDisposeScope();
    }

    private static bool IsWinograd(Tensor input, Tensor weight, long stride, long padding) =>
        stride == 1 && padding == 1 && WinogradConvolution.Suits(input, weight);

    private static bool IsFrozen(Tensor weight, Tensor? bias) => !weight.requires_grad && bias is not { requires_grad: true };

    // Part of a training of something else: gradients are recorded of the input alone.
    private static bool PassesGradientAlone(Tensor input, Tensor weight, Tensor? bias) =>
        is_grad_enabled() && input.requires_grad && IsFrozen(weight, bias);

    // Copies of weight and bias in the input's dtype live as long as the call.
    private static Tensor InDTypeOf(Tensor input, Tensor weight, Tensor? bias, Func<Tensor, Tensor?, Tensor> operation)
    {
        if (weight.dtype == input.dtype)
        {
            return operation(weight, bias);
        }

        using var scope = NewDisposeScope();
        return operation(weight.to(input.dtype), bias?.to(input.dtype)).MoveToOuterDisposeScope();
    }
}
