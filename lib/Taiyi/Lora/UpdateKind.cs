using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>
/// One way in which a file keeps the update ΔW of a module. Every ΔW is a product (α / r) B A of two matrices, with a rank r
/// that may be large: a kind multiplies its tensors out to A and B, and the rest of the library knows nothing else. DoRA's
/// magnitude, which may stand beside any of them, is read here (<see cref="WeightDecomposition"/>).
/// </summary>
internal abstract class UpdateKind
{
    /// <summary>All kinds that are read. The next one is a class of its own and a name here.</summary>
    private static readonly UpdateKind[] All = [new LowRankUpdate(), new HadamardUpdate(), new KroneckerUpdate()];

    /// <summary>The name that users know, such as <c>LoHa</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The tensors that belong to the kind besides α and DoRA's m, required or not.</summary>
    protected abstract IReadOnlyList<string> Parts { get; }

    /// <summary>Reads the module's update, of whatever kind.</summary>
    /// <exception cref="CheckpointException">A part is of no known kind, is missing, has a wrong shape, or holds NaN or infinity.</exception>
    public static LoraMatrices Read(ModuleParts parts)
    {
        UpdateKind? kind = All.FirstOrDefault(kind => parts.Names.Any(kind.Parts.Contains));
        string? unknown = parts.Names.FirstOrDefault(part => part is not (LoraKeys.Alpha or LoraKeys.Magnitude) && kind?.Parts.Contains(part) != true);
        if (unknown is not null)
        {
            throw Unknown(parts.File, parts.Key(unknown));
        }

        using var scope = NewDisposeScope();
        kind ??= All[0];
        LoraMatrices matrices = kind.Multiply(parts);
        Tensor? magnitude = WeightDecomposition.ReadMagnitude(parts, outputs: matrices.Up.shape[0], inputs: matrices.Down.shape[1]);
        string name = magnitude is null ? kind.Name : kind is LowRankUpdate ? "DoRA" : $"{kind.Name}, DoRA";
        matrices = matrices with { Magnitude = magnitude, Kind = name };
        foreach (Tensor tensor in matrices.Tensors)
        {
            tensor.MoveToOuterDisposeScope();
        }

        return matrices;
    }

    /// <summary>What is said of a tensor that belongs to another kind of adapter.</summary>
    public static CheckpointException Unknown(string file, string key) => new(
        $"'{file}' holds '{key}', which belongs to a kind of adapter that is not known here. Known are {string.Join(", ", All.Select(kind => kind.Name))}, with and without DoRA.");

    /// <summary>A and B with α, such that ΔW = (α / r) B A.</summary>
    protected abstract LoraMatrices Multiply(ModuleParts parts);
}
