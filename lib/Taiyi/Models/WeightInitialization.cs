using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>First weights of a network that is trained from nothing, as the reference draws them.</summary>
public static class WeightInitialization
{
    /// <summary>
    /// Linear and convolution: weight and bias from U(-1/√fanIn, 1/√fanIn), PyTorch's default (Kaiming uniform with
    /// a = √5); norms: 1 and 0. BERT (transformers <c>initializer_range</c>): matrices and embeddings from N(0, 0.02²), biases 0.
    /// </summary>
    /// <param name="network">Any network of this namespace, or a part of one.</param>
    /// <param name="generator">Source of the numbers, on the network's device: the same seed gives the same weights.</param>
    public static void Initialize(nn.Module network, Generator generator)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (WeightedLayer layer in network.modules().OfType<WeightedLayer>())
        {
            switch (layer)
            {
                case GroupNorm or LayerNorm:
                    layer.Weight.fill_(1);
                    layer.Bias!.fill_(0);
                    break;
                case Embedding:
                    layer.Weight.normal_(0, 0.02, generator);
                    break;
                case var _ when network is BertTextEncoder:
                    layer.Weight.normal_(0, 0.02, generator);
                    layer.Bias!.fill_(0);
                    break;
                default:
                    double bound = 1 / Math.Sqrt(layer.Weight.numel() / layer.Weight.shape[0]); // fanIn = inputs of one output
                    layer.Weight.uniform_(-bound, bound, generator);
                    layer.Bias?.uniform_(-bound, bound, generator);
                    break;
            }
        }
    }
}
