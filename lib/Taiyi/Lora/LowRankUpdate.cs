using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>
/// LoRA itself: A and B as they are. LyCORIS may put a middle weight between them: ΔW[o,i,y,x] = (α / r) Σ up[o,p] mid[p,q,y,x] down[q,i].
/// </summary>
/// <remarks>https://github.com/KohakuBlueleaf/LyCORIS, lycoris/modules/locon.py (<c>lora_mid</c>, "cp" or Tucker decomposition).</remarks>
internal sealed class LowRankUpdate : UpdateKind
{
    public override string Name => "LoRA";

    protected override IReadOnlyList<string> Parts { get; } = [LoraKeys.Down, LoraKeys.Up, LoraKeys.Middle];

    protected override LoraMatrices Multiply(ModuleParts parts)
    {
        Tensor down = parts.Read(LoraKeys.Down), up = parts.Read(LoraKeys.Up);
        if (down.dim() is not (2 or 4) || down.shape[0] == 0)
        {
            throw parts.Misshapen(LoraKeys.Down, down, "(r, in) or (r, in, kernel, kernel)");
        }

        long rank = down.shape[0];
        if (up.dim() is not (2 or 4) || up.shape[1] != rank || up.shape.Skip(2).Any(side => side != 1))
        {
            throw parts.Misshapen(LoraKeys.Up, up, $"(out, {rank}) or (out, {rank}, 1, 1), since '{parts.Key(LoraKeys.Down)}' has rank {rank}");
        }

        down = parts.Has(LoraKeys.Middle) ? Middle(parts, down) : down;
        return new LoraMatrices(down, up, parts.Alpha(rank), parts.Key(LoraKeys.Down), parts.Key(LoraKeys.Up));
    }

    // mid is a k×k convolution of the r channels; with down it makes one from the input.
    private static Tensor Middle(ModuleParts parts, Tensor down)
    {
        Tensor middle = parts.Read(LoraKeys.Middle); // (r, r, k, k)
        long rank = down.shape[0];
        if (middle.dim() != 4 || middle.shape[0] != rank || middle.shape[1] != rank || down.shape.Skip(2).Any(side => side != 1))
        {
            throw parts.Misshapen(LoraKeys.Middle, middle, $"({rank}, {rank}, kernel, kernel) between two 1 × 1 matrices of rank {rank}");
        }

        return einsum("pqyx,qi->piyx", middle.to(ScalarType.Float32), down.flatten(1).to(ScalarType.Float32)); // (r, in, k, k)
    }
}
