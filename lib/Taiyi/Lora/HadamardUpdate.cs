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

    protected override IReadOnlyList<string> Parts { get; } = ["hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"];

    protected override LoraMatrices Multiply(ModuleParts parts)
    {
        (Tensor firstA, Tensor firstB) = Factors(parts, "hada_w1", "hada_t1");    // (out, r), (r, in · kernel²)
        (Tensor secondA, Tensor secondB) = Factors(parts, "hada_w2", "hada_t2");  // the same
        long rank = firstA.shape[1];
        if (!secondA.shape.SequenceEqual(firstA.shape) || !secondB.shape.SequenceEqual(firstB.shape))
        {
            string odd = secondA.shape.SequenceEqual(firstA.shape) ? "hada_w2_b" : "hada_w2_a";
            throw parts.Misshapen(odd, parts.Read(odd), $"such that both products have one shape and rank, {FormatShape(firstA)} times {FormatShape(firstB)}");
        }

        Tensor down = (firstB.unsqueeze(1) * secondB.unsqueeze(0)).flatten(0, 1); // (r², in · kernel²)
        Tensor up = (firstA.unsqueeze(2) * secondA.unsqueeze(1)).flatten(1);      // (out, r²)
        return new LoraMatrices(parts.Unflatten("hada_w1_b", down), up, parts.Alpha(rank) * rank, parts.Key("hada_w1_b"), parts.Key("hada_w1_a")); // α r / r² = α / r
    }

    // In the Tucker form w[o,i,y,x] = Σ a[p,o] t[p,q,y,x] b[q,i]: a is (r, out) there.
    private static (Tensor A, Tensor B) Factors(ModuleParts parts, string name, string kernel)
    {
        Tensor a = parts.ReadMatrix(name + "_a"), b = parts.ReadMatrix(name + "_b");
        (a, b) = parts.Has(kernel) ? (a.t(), parts.ReadKernel(kernel, b).flatten(1)) : (a, b);
        return a.shape[1] == b.shape[0] ? (a, b) : throw parts.Misshapen(name + "_b", b, $"of {a.shape[1]} rows");
    }

    private static string FormatShape(Tensor tensor) => Files.TensorInfo.FormatShape(tensor.shape);
}
