using Taiyi.Cpu;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Normalises groups of channels to mean 0 and variance 1 (arXiv:1803.08494), then scales and shifts each channel.</summary>
/// <remarks>
/// <paramref name="eps"/> is 1e-5 in the UNet's resnets and before its last convolution, 1e-6 in its transformers and
/// everywhere in the VAE; it has no default, since a wrong one would hardly show in a picture.
/// </remarks>
public sealed class GroupNorm(long numGroups, long numChannels, double eps)
    : WeightedLayer(nameof(GroupNorm), [numChannels], numChannels)
{
    /// <summary>(B, C, H, W) -> (B, C, H, W).</summary>
    public override Tensor forward(Tensor input) => Apply(input, (weight, bias) => functional.group_norm(input, numGroups, weight, bias, eps));

    /// <summary>conv(SiLU(norm(x))), the step that resnets and the ends of the networks are made of.</summary>
    /// <param name="convolution">3x3, stride 1, padding 1.</param>
    /// <param name="sample">x, (B, C, H, W).</param>
    /// <returns>(B, O, H, W); the caller owns it.</returns>
    internal Tensor SiluConvolve(Conv2d convolution, Tensor sample)
    {
        Tensor? fast = convolution.Adapters > 0 ? null : Kernels.NormSiluConv2d(sample, (Weight, Bias!, numGroups, eps), convolution.Weight, convolution.Bias!);
        if (fast is not null)
        {
            return fast;
        }

        using var scope = NewDisposeScope();
        // SiLU may overwrite the normalised map: autograd keeps what it needs of it.
        return convolution.call(functional.silu(call(sample), inplace: true)).MoveToOuterDisposeScope();
    }
}
