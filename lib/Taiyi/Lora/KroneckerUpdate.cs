using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>
/// LoKr: ΔW = (α / r) w1 ⊗ w2, where each factor is whole or a product wa wb of rank r; with both whole the scale is 1. With w1 (a, b)
/// and w2 = wa wb, w1 ⊗ w2 = (w1 ⊗ wa) (I_b ⊗ wb), of rank b r; a whole w2 (c, d) is I_c w2.
/// </summary>
/// <remarks>https://github.com/KohakuBlueleaf/LyCORIS, lycoris/modules/lokr.py; the mixed-product property of ⊗.</remarks>
internal sealed class KroneckerUpdate : UpdateKind
{
    public override string Name => "LoKr";

    protected override IReadOnlyList<string> Parts { get; } = ["lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"];

    protected override LoraMatrices Multiply(ModuleParts parts)
    {
        bool firstIsWhole = parts.Has("lokr_w1"), secondIsWhole = parts.Has("lokr_w2");
        Tensor w1 = firstIsWhole ? parts.ReadMatrix("lokr_w1") : Product(parts, "lokr_w1"); // (a, b)
        (Tensor wa, Tensor wb) = secondIsWhole ? Whole(parts) : parts.Has("lokr_t2") ? Tucker(parts) : Factors(parts);
        if (wa.shape[1] != wb.shape[0])
        {
            throw parts.Misshapen("lokr_w2_b", wb, $"of {wa.shape[1]} rows");
        }

        Tensor up = kron(w1, wa); // (a c, b r)
        Tensor identity = eye(w1.shape[1]).reshape([w1.shape[1], w1.shape[1], .. wb.shape[2..].Select(_ => 1L)]);
        Tensor down = kron(identity, wb); // (b r, b d) or (b r, b d, k, k)
        long rank = down.shape[0];
        double scale = firstIsWhole && secondIsWhole ? 1 : Scale(parts, secondIsWhole);
        string second = secondIsWhole ? "lokr_w2" : "lokr_w2_b", first = firstIsWhole ? "lokr_w1" : "lokr_w1_a";
        return new LoraMatrices(down, up, scale * rank, parts.Key(second), parts.Key(first));
    }

    private static (Tensor A, Tensor B) Whole(ModuleParts parts)
    {
        Tensor w2 = parts.Read("lokr_w2").to(ScalarType.Float32);
        return w2.dim() is 2 or 4 ? (eye(w2.shape[0]), w2) : throw parts.Misshapen("lokr_w2", w2, "(c, d) or (c, d, kernel, kernel)");
    }

    // wb may be a convolution's: (r, d · k²).
    private static (Tensor A, Tensor B) Factors(ModuleParts parts) =>
        (parts.ReadMatrix("lokr_w2_a"), parts.Unflatten("lokr_w2_b", parts.ReadMatrix("lokr_w2_b")));

    // w2[c,d,y,x] = Σ a[p,c] t[p,q,y,x] b[q,d]: here a is (r, c).
    private static (Tensor A, Tensor B) Tucker(ModuleParts parts) =>
        (parts.ReadMatrix("lokr_w2_a").t().contiguous(), parts.ReadKernel("lokr_t2", parts.ReadMatrix("lokr_w2_b")));

    private static double Scale(ModuleParts parts, bool secondIsWhole)
    {
        using Tensor factor = parts.ReadMatrix(secondIsWhole ? "lokr_w1_b" : "lokr_w2_b");
        long rank = factor.shape[0];
        return parts.Alpha(rank) / rank;
    }

    private static Tensor Product(ModuleParts parts, string name)
    {
        Tensor a = parts.ReadMatrix(name + "_a"), b = parts.ReadMatrix(name + "_b");
        return a.shape[1] == b.shape[0] ? a.matmul(b) : throw parts.Misshapen(name + "_b", b, $"of {a.shape[1]} rows");
    }
}
