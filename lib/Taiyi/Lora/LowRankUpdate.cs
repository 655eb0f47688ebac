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

        if (parts.Has(LoraKeys.Middle))
        {
            down = parts.ReadKernel(LoraKeys.Middle, OneByOne(parts, down).to(ScalarType.Float32));
        }

        return new LoraMatrices(down, up, parts.Alpha(rank), parts.Key(LoraKeys.Down), parts.Key(LoraKeys.Up));
    }

    private static Tensor OneByOne(ModuleParts parts, Tensor down) => down.shape.Skip(2).All(side => side == 1)
        ? down.flatten(1) // (r, in)
        : throw parts.Misshapen(LoraKeys.Down, down, $"(r, in, 1, 1), since '{parts.Key(LoraKeys.Middle)}' has the kernel");
}
