using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>A table of vectors, (numEmbeddings, width), looked up by row number.</summary>
public sealed class Embedding(long numEmbeddings, long width) : WeightedLayer(nameof(Embedding), [numEmbeddings, width], null)
{
    /// <summary>int64 ids of any shape (…) -> (…, width).</summary>
    public override Tensor forward(Tensor ids) => Weight[TensorIndex.Tensor(ids)];
}
