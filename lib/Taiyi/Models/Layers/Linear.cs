using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>y = x Wᵀ + b, with W of shape (outFeatures, inFeatures).</summary>
public sealed class Linear(long inFeatures, long outFeatures, bool bias = true)
    : WeightedLayer(nameof(Linear), [outFeatures, inFeatures], bias ? outFeatures : null)
{
    /// <summary>
    /// Functions of the input whose values are added to the output, y = x Wᵀ + b + Σ f(x): how LoRA is put in and taken
    /// out again without a copy of W. Each returns a tensor of the output's shape; their owner keeps their parameters.
    /// </summary>
    public IList<Func<Tensor, Tensor>> Adapters { get; } = [];

    /// <summary>(…, inFeatures) -> (…, outFeatures).</summary>
    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor output = functional.linear(input, Weight, Bias);
        foreach (Func<Tensor, Tensor> adapter in Adapters)
        {
            output = output + adapter(input);
        }

        return output.MoveToOuterDisposeScope();
    }
}
