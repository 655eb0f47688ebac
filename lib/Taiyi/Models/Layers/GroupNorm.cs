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
    public override Tensor forward(Tensor input) => Apply(input, (weight, bias) => functional.group_norm(input, numGroups, weight, bias, eps));

    /// <summary>Mean and mean square of every group, (2, B, groups) float64: those of a map are the mean of those of its parts.</summary>
    internal Tensor Moments(Tensor input)
    {
        using var scope = NewDisposeScope();
        // Lines of pixels are summed in float32, their sums in float64: as good as the two passes of libtorch, and much faster.
        input = input.to(ScalarType.Float32);
        Tensor sums = input.sum(-1), norms = linalg.vector_norm(input, 2, [-1]); // (B, C, H)
        double count = input.numel() / (double)(input.shape[0] * numGroups);
        return (stack([OfGroups(sums), OfGroups(norms).square()]).sum(-1) / count).MoveToOuterDisposeScope();

        Tensor OfGroups(Tensor lines) => lines.reshape(lines.shape[0], numGroups, -1).to(ScalarType.Float64); // (B, groups, C/groups H)
    }

    /// <summary>γ / σ and β - μ γ / σ for a map with these moments, (B, C) float32: the norm is x times the first plus the second.</summary>
    internal (Tensor Factor, Tensor Term) Affine(Tensor moments)
    {
        using var scope = NewDisposeScope();
        (Tensor mean, Tensor meanSquare) = (moments[0], moments[1]);                   // (B, groups)
        Tensor deviation = (meanSquare - mean.square() + eps).sqrt();
        Tensor factor = Weight / OfChannels(deviation);                                // (B, C)
        Tensor term = Bias! - (OfChannels(mean) * factor);
        return (factor.to(ScalarType.Float32).MoveToOuterDisposeScope(), term.to(ScalarType.Float32).MoveToOuterDisposeScope());

        Tensor OfChannels(Tensor groups) => groups.repeat_interleave(numChannels / numGroups, dim: 1);
    }

    /// <summary>What <see cref="forward"/> gives for a part of a map with these moments: y = γ (x - μ) / √(σ² + ε) + β.</summary>
    internal Tensor Normalize(Tensor part, Tensor moments)
    {
        using var scope = NewDisposeScope();
        (Tensor factor, Tensor term) = Affine(moments);
        return (part * Plane(factor)).add_(Plane(term)).to(part.dtype).MoveToOuterDisposeScope();

        static Tensor Plane(Tensor channels) => channels.unsqueeze(-1).unsqueeze(-1); // (B, C, 1, 1)
    }
}
