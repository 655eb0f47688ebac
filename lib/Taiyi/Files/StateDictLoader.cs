using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>Fills a module with the tensors of a file: all of them or none.</summary>
public static class StateDictLoader
{
    private const int NamesShown = 20;

    // The text encoder's files hold what the conditioning does not use: a counter 0…511 and BERT's sentence classifier.
    private static readonly string[] KnownExtras = ["embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"];

    /// <summary>
    /// Copies every tensor of the file into the parameter or buffer of its name, converted to that one's dtype and device.
    /// </summary>
    /// <param name="module">The network; its parameters may have any dtype, device and <c>requires_grad</c>.</param>
    /// <param name="file">The weights, under the module's own names.</param>
    /// <param name="cancellationToken">Ends the copying between two tensors; so does <see cref="Interruption"/>.</param>
    /// <exception cref="CheckpointException">
    /// A tensor is missing in the file, unknown to the module, or of another shape: all such are named, and nothing was
    /// copied. Or a tensor holds NaN or infinity: it is named, and the module is filled in part.
    /// </exception>
    /// <exception cref="OperationCanceledException">The call was cancelled; the module is filled in part.</exception>
    public static void Load(nn.Module module, IStateDictFile file, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        Dictionary<string, Tensor> stateDict = module.state_dict();
        Compare(module, stateDict, file);
        foreach ((string name, Tensor destination) in stateDict)
        {
            cancellation.Token.ThrowIfCancellationRequested();
            file.CopyTo(name, destination);
            RefuseNonFinite(file, name, destination);
        }
    }

    /// <summary>Names the first tensor that holds NaN or infinity, as a training that blew up leaves it.</summary>
    private static void RefuseNonFinite(IStateDictFile file, string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Tensor values = tensor.detach();
        // A sum reads the numbers once and needs no memory; a sum that overflows by itself is looked at again.
        if (values.is_floating_point() && !double.IsFinite(values.sum(ScalarType.Float32).item<float>()) && !values.isfinite().all().item<bool>())
        {
            throw new CheckpointException(
                $"'{name}' in '{file.Path}' holds NaN or infinity ({file.Tensors[name].DType} in the file, {tensor.dtype} in memory): "
                + "a training that blew up leaves such weights. Take an earlier checkpoint, or a wider dtype if the file's is wider.");
        }
    }

    private static void Compare(nn.Module module, Dictionary<string, Tensor> stateDict, IStateDictFile file)
    {
        string[] missing = [.. stateDict.Keys.Where(name => !file.Tensors.ContainsKey(name))];
        string[] extra = [.. file.Tensors.Keys.Where(name => !stateDict.ContainsKey(name) && !KnownExtras.Contains(name))];
        string[] misshapen =
        [
            .. from pair in stateDict
               where file.Tensors.TryGetValue(pair.Key, out TensorInfo? info) && !info.Shape.SequenceEqual(pair.Value.shape)
               select $"{pair.Key} is {file.Tensors[pair.Key].ShapeText} in the file, {TensorInfo.FormatShape(pair.Value.shape)} in the model",
        ];
        if (missing.Length + extra.Length + misshapen.Length > 0)
        {
            string[] parts = [List(missing, "missing in the file"), List(extra, "unknown to the model"), List(misshapen, "of another shape")];
            throw new CheckpointException(
                $"'{file.Path}' does not fit {module.GetName()}: {string.Join("; ", parts.Where(part => part.Length > 0))}. Use the weights and the config.json of one and the same model.");
        }
    }

    private static string List(string[] entries, string what)
    {
        string more = entries.Length > NamesShown ? $", and {entries.Length - NamesShown} more" : "";
        return entries.Length == 0 ? "" : $"{entries.Length} {what} ({string.Join(", ", entries.Take(NamesShown))}{more})";
    }
}
