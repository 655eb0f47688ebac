using Taiyi.Cpu;
using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>y = x Wᵀ + b, with W of shape (outFeatures, inFeatures).</summary>
public sealed class Linear(long inFeatures, long outFeatures, bool bias = true)
    : WeightedLayer(nameof(Linear), [outFeatures, inFeatures], bias ? outFeatures : null)
{
    /// <summary>(…, inFeatures) -> (…, outFeatures).</summary>
    public override Tensor forward(Tensor input) => Kernels.Linear(input, Weight, Bias);
}
