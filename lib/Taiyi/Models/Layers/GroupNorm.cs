using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Normalises groups of channels to mean 0 and variance 1 (arXiv:1803.08494), then scales and shifts each channel.</summary>
/// <remarks>
/// <paramref name="eps"/> is 1e-5 in the UNet's resnets and before its last convolution, 1e-6 in its transformers and
/// everywhere in the VAE; it has no default, for the difference hardly shows in a picture.
/// </remarks>
public sealed class GroupNorm(long numGroups, long numChannels, double eps)
    : WeightedLayer(nameof(GroupNorm), [numChannels], numChannels)
{
    /// <summary>(B, C, H, W) -> (B, C, H, W).</summary>
    public override Tensor forward(Tensor input) => functional.group_norm(input, numGroups, Weight, Bias, eps);

    /// <summary>Mean and mean square of every group, (2, B, groups) float64: those of a map are the mean of those of its parts.</summary>
    internal Tensor Moments(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor grouped = input.reshape(input.shape[0], numGroups, -1).to(ScalarType.Float32); // (B, groups, C/groups H W)
        (Tensor variance, Tensor mean) = var_mean(grouped, [2], unbiased: false);
        (variance, mean) = (variance.to(ScalarType.Float64), mean.to(ScalarType.Float64));
        return stack([mean, variance + mean.square()]).MoveToOuterDisposeScope();
    }

    /// <summary>What <see cref="forward"/> gives for a part of a map with these moments: y = γ (x - μ) / √(σ² + ε) + β.</summary>
    internal Tensor Normalize(Tensor part, Tensor moments)
    {
        using var scope = NewDisposeScope();
        (Tensor mean, Tensor meanSquare) = (moments[0], moments[1]);                   // (B, groups)
        Tensor deviation = (meanSquare - mean.square() + eps).sqrt();
        Tensor factor = Weight / OfChannels(deviation);                                // (B, C)
        Tensor term = Bias! - OfChannels(mean) * factor;
        return (part * Plane(factor)).add_(Plane(term)).to(part.dtype).MoveToOuterDisposeScope();

        Tensor OfChannels(Tensor groups) => groups.repeat_interleave(numChannels / numGroups, dim: 1);
        Tensor Plane(Tensor channels) => channels.unsqueeze(-1).unsqueeze(-1).to(ScalarType.Float32); // (B, C, 1, 1)
    }
}
