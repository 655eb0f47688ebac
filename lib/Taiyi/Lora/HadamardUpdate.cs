using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>
/// LoHa: ΔW = (α / r) (w1a w1b) ⊙ (w2a w2b), FedPara, arXiv 2108.06098 proposition 1. A product of entries of two matrices of rank r
/// has rank r²: A[(p,q),i] = w1b[p,i] w2b[q,i], B[o,(p,q)] = w1a[o,p] w2a[o,q].
/// </summary>
/// <remarks>https://github.com/KohakuBlueleaf/LyCORIS, lycoris/modules/loha.py.</remarks>
internal sealed class HadamardUpdate : UpdateKind
{
    public override string Name => "LoHa";

    protected override IReadOnlyList<string> Parts { get; } = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b"];

    protected override LoraMatrices Multiply(ModuleParts parts)
    {
        Tensor[] w = [.. Parts.Select(parts.ReadMatrix)]; // (out, r), (r, in · kernel²), (out, r), (r, in · kernel²)
        long rank = w[0].shape[1];
        for (int i = 1; i < w.Length; i++)
        {
            long[] expected = i == 2 ? w[0].shape : [rank, w[1].shape[1]];
            if (!w[i].shape.SequenceEqual(expected))
            {
                throw parts.Misshapen(Parts[i], w[i], Files.TensorInfo.FormatShape(expected));
            }
        }

        Tensor down = (w[1].unsqueeze(1) * w[3].unsqueeze(0)).flatten(0, 1); // (r², in · kernel²)
        Tensor up = (w[0].unsqueeze(2) * w[2].unsqueeze(1)).flatten(1); // (out, r²)
        return new LoraMatrices(parts.Unflatten(Parts[1], down), up, parts.Alpha(rank) * rank, parts.Key(Parts[1]), parts.Key(Parts[0])); // α r / r² = α / r
    }
}
