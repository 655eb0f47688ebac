using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>A table of vectors, (numEmbeddings, width), looked up by row number.</summary>
public sealed class Embedding(long numEmbeddings, long width) : WeightedLayer(nameof(Embedding), [numEmbeddings, width], null)
{
    /// <summary>int64 ids of any shape (…) -> (…, width), in what the network computes in.</summary>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return Weight[TensorIndex.Tensor(ids)].to(ComputeDType).MoveToOuterDisposeScope();
    }

    /// <summary>Puts rows below the table.</summary>
    /// <param name="rows">(n, width), any float dtype and device.</param>
    internal void Append(Tensor rows)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        ReplaceWeight(cat([Weight, rows.to(Weight.dtype, Weight.device)]));
    }
}
