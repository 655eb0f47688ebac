using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>y = x Wᵀ + b, with W of shape (outFeatures, inFeatures).</summary>
public sealed class Linear(long inFeatures, long outFeatures, bool bias = true)
    : WeightedLayer(nameof(Linear), [outFeatures, inFeatures], bias ? outFeatures : null)
{
    /// <summary>(…, inFeatures) -> (…, outFeatures).</summary>
    public override Tensor forward(Tensor input) => PassesGradientAlone(input) && Converts(input)
        ? FrozenLayer.Run(input, Product, gradient => Apply(gradient, (weight, _) => matmul(gradient, weight)))
        : Product(input);

    private Tensor Product(Tensor input) => Apply(input, (weight, bias) => functional.linear(input, weight, bias));
}
