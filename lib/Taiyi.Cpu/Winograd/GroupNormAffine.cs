using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>
/// A group norm (arXiv:1803.08494) of one map as a factor and a term for each channel, y = factor x + term, so that it can be
/// computed while the map is read for something else.
/// </summary>
internal static class GroupNormAffine
{
    /// <summary>factor = γ / √(σ² + ε) and term = β - μ factor, (B, C) float32 each; the caller owns them.</summary>
    /// <param name="input">(B, C, H, W).</param>
    /// <param name="weight">γ, (C).</param>
    /// <param name="bias">β, (C).</param>
    /// <param name="groups">Number of groups; C is a multiple of it.</param>
    /// <param name="eps">ε.</param>
    public static (Tensor Factor, Tensor Term) Of(Tensor input, Tensor weight, Tensor bias, long groups, double eps)
    {
        using var scope = NewDisposeScope();
        (Tensor mean, Tensor meanSquare) = Moments(input, groups);                      // (B, groups) float64
        Tensor deviation = (meanSquare - mean.square() + eps).sqrt();
        Tensor factor = weight / OfChannels(deviation);                                 // (B, C)
        Tensor term = bias - (OfChannels(mean) * factor);
        return (factor.to(ScalarType.Float32).MoveToOuterDisposeScope(), term.to(ScalarType.Float32).MoveToOuterDisposeScope());

        Tensor OfChannels(Tensor values) => values.repeat_interleave(input.shape[1] / groups, dim: 1);
    }

    // Lines of pixels are summed in float32, their sums in float64: as good as the two passes of libtorch, and much faster.
    private static (Tensor Mean, Tensor MeanSquare) Moments(Tensor input, long groups)
    {
        input = input.to(ScalarType.Float32);
        Tensor sums = input.sum(-1), norms = linalg.vector_norm(input, 2, [-1]);        // (B, C, H)
        double count = input.numel() / (double)(input.shape[0] * groups);
        return (OfGroups(sums) / count, OfGroups(norms.square()) / count);

        Tensor OfGroups(Tensor lines) => lines.to(ScalarType.Float64).reshape(lines.shape[0], groups, -1).sum(-1);
    }
}
