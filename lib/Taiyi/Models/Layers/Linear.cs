using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>y = x Wᵀ + b, with W of shape (outFeatures, inFeatures).</summary>
public sealed class Linear(long inFeatures, long outFeatures, bool bias = true)
    : WeightedLayer(nameof(Linear), [outFeatures, inFeatures], bias ? outFeatures : null)
{
    // Fewer vectors, or longer ones, and the convolution's way of going through the weights costs more than it saves.
    private const long LeastVectors = 512, MostFeatures = 2560;

    // CPUID leaf 0 gives the maker's name: "Auth" "enti" "cAMD".
    private static readonly bool IsAmd = X86Base.IsSupported && X86Base.CpuId(0, 0) is { Ebx: 0x68747541, Edx: 0x69746E65, Ecx: 0x444D4163 };

    /// <summary>(…, inFeatures) -> (…, outFeatures).</summary>
    public override Tensor forward(Tensor input) =>
        PassesGradientAlone(input) && Converts(input) ? FrozenLayer.Run(input, Multiply, gradient => Apply(gradient, (weight, _) => matmul(gradient, weight)))
        : IsFasterAsConvolution(input) ? Apply(input, (weight, bias) => Convolve(input, weight, bias))
        : Multiply(input);

    private Tensor Multiply(Tensor input) => Apply(input, (weight, bias) => functional.linear(input, weight, bias));

    // libtorch multiplies matrices with Intel's MKL and convolves with oneDNN, which on AMD's processors is the faster of the two.
    private bool IsFasterAsConvolution(Tensor input) =>
        IsAmd && !is_grad_enabled() && input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32
        && inFeatures <= MostFeatures && input.numel() >= LeastVectors * inFeatures;

    // Every vector is a pixel, its features the channels; they stay where they are in memory. The result is a view, which a
    // layer of autograd's could not hand on to be added to in place.
    private Tensor Convolve(Tensor input, Tensor weight, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = input.reshape(1, -1, 1, inFeatures).permute(0, 3, 1, 2);                     // (1, inFeatures, n, 1)
        Tensor output = functional.conv2d(pixels, weight.unsqueeze(-1).unsqueeze(-1), bias);         // (1, outFeatures, n, 1)
        return output.permute(0, 2, 3, 1).reshape([.. input.shape[..^1], outFeatures]).MoveToOuterDisposeScope();
    }
}
