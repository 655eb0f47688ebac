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
}
