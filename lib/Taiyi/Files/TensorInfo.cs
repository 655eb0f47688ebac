using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>What a weight file says about one of its tensors, known before any of its data is read.</summary>
/// <param name="Name">The key, such as <c>conv_in.weight</c>.</param>
/// <param name="DType">The type that its elements have in the file.</param>
/// <param name="Shape">Its sizes; empty for a scalar.</param>
public sealed record TensorInfo(string Name, ScalarType DType, long[] Shape)
{
    /// <summary>The shape as it is written in messages, such as <c>[320, 4, 3, 3]</c>.</summary>
    public string ShapeText => FormatShape(Shape);

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {DType} {ShapeText}";

    internal static string FormatShape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>The entry of a file for a name, which must have the destination's shape if there is one.</summary>
    internal static TensorInfo Find(IStateDictFile file, string name, Tensor? destination = null)
    {
        if (!file.Tensors.TryGetValue(name, out TensorInfo? info))
        {
            throw new CheckpointException($"'{file.Path}' has no tensor '{name}' among its {file.Tensors.Count}: see Tensors for their names.");
        }

        return destination is null || destination.shape.SequenceEqual(info.Shape)
            ? info
            : throw new CheckpointException(
                $"'{name}' is {info.ShapeText} in '{file.Path}', but {FormatShape(destination.shape)} where it is copied to: the two must agree.");
    }
}
