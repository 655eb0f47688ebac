using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Taiyi.Models;

/// <summary>Normalises the last axis to mean 0 and variance 1 (arXiv:1607.06450), then scales and shifts it.</summary>
public sealed class LayerNorm(long width, double eps = 1e-5) : WeightedLayer(nameof(LayerNorm), [width], width)
{
    /// <summary>(…, width) -> (…, width).</summary>
    public override Tensor forward(Tensor input) => Apply(input, (weight, bias) => functional.layer_norm(input, [width], weight, bias, eps));
}
