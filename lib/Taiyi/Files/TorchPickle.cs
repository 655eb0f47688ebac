using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>
/// The pickle of <c>torch.save(state_dict)</c>: the Python names that tensors are built from, and their meaning. Texts beside the tensors
/// are kept, other objects are skipped.
/// </summary>
/// <remarks>
/// Sources: <c>torch/serialization.py</c> (persistent ids), <c>torch/_utils.py</c> (<c>_rebuild_tensor_v2</c>,
/// <c>_rebuild_parameter</c>) of <c>https://github.com/pytorch/pytorch</c>.
/// </remarks>
internal static class TorchPickle
{
    private static readonly Dictionary<string, object> Globals = new()
    {
        ["collections OrderedDict"] = (PickleFunction)OrderedDict,
        ["torch._utils _rebuild_tensor_v2"] = (PickleFunction)RebuildTensor,
        ["torch._utils _rebuild_parameter"] = (PickleFunction)RebuildParameter,
        ["torch.nn.modules.container ParameterDict"] = (PickleFunction)OrderedDict, // filled by its attribute _parameters
        ["torch DoubleStorage"] = (ScalarType.Float64, 8),
        ["torch FloatStorage"] = (ScalarType.Float32, 4),
        ["torch HalfStorage"] = (ScalarType.Float16, 2),
        ["torch BFloat16Storage"] = (ScalarType.BFloat16, 2),
        ["torch LongStorage"] = (ScalarType.Int64, 8),
        ["torch IntStorage"] = (ScalarType.Int32, 4),
        ["torch ShortStorage"] = (ScalarType.Int16, 2),
        ["torch CharStorage"] = (ScalarType.Int8, 1),
        ["torch ByteStorage"] = (ScalarType.Byte, 1),
        ["torch BoolStorage"] = (ScalarType.Bool, 1),
    };

    // Where a training checkpoint has its state dict, and a web UI's textual inversion its vectors.
    private static readonly string[] Nested = ["state_dict", "string_to_param"];

    /// <summary>
    /// The tensors of a state dict, or of the dictionary that a training checkpoint holds under <c>state_dict</c>, a web UI's textual
    /// inversion under <c>string_to_param</c>; and the texts beside them.
    /// </summary>
    /// <exception cref="InvalidDataException">The pickle is malformed, or holds no tensor, or one of another kind than dense.</exception>
    public static (IReadOnlyList<KeyValuePair<string, TorchView>> Tensors, IReadOnlyDictionary<string, string> Texts) Read(byte[] pickle)
    {
        object? root = new PickleReader(pickle, Globals, LoadStorage).Read();
        if (root is PickleObject other)
        {
            throw new InvalidDataException($"it holds the Python object '{other.Name}', not a dictionary of tensors; nothing of it was run");
        }

        if (root is not OrderedDictionary<object, object?> dictionary)
        {
            throw new InvalidDataException("it holds no dictionary of tensors");
        }

        var stateDict = Nested.Select(key => dictionary.TryGetValue(key, out object? inner) ? inner as OrderedDictionary<object, object?> : null)
            .FirstOrDefault(inner => inner is not null) ?? dictionary;
        Dictionary<string, string> texts = dictionary.Where(entry => entry is { Key: string, Value: string }).ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!);
        List<KeyValuePair<string, TorchView>> tensors = [];
        foreach ((object key, object? value) in stateDict)
        {
            if (value is PickleObject { Name: { } kind } && kind.StartsWith("torch", StringComparison.Ordinal) && kind.Contains("_rebuild_"))
            {
                throw new InvalidDataException($"the tensor '{key}' is of a kind that cannot be read ('{kind}')");
            }

            // Beside the tensors a checkpoint counts epochs and the like.
            if (key is string name && value is TorchView view)
            {
                tensors.Add(KeyValuePair.Create(name, view));
            }
        }

        return tensors.Count > 0
            ? (tensors, texts)
            : throw new InvalidDataException($"it holds no tensors, only {Describe(dictionary)}");
    }

    // collections.OrderedDict() or OrderedDict([(key, value), …])
    private static OrderedDictionary<object, object?> OrderedDict(object?[] arguments)
    {
        OrderedDictionary<object, object?> dictionary = [];
        if (arguments is [])
        {
            return dictionary;
        }

        if (arguments is not [List<object?> pairs])
        {
            throw new InvalidDataException("an OrderedDict is made from something other than a list");
        }

        foreach (object? pair in pairs)
        {
            (object key, object? value) = pair switch
            {
                object?[] and [{ } k, var v] => (k, v),
                List<object?> and [{ } k, var v] => (k, v),
                _ => throw new InvalidDataException("an OrderedDict is made from something other than pairs"),
            };
            dictionary[key] = value;
        }

        return dictionary;
    }

    // _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None)
    private static TorchView RebuildTensor(object?[] arguments)
    {
        if (arguments is not [TorchStorage storage, long offset, object?[] size, object?[] stride, bool, _, ..])
        {
            throw new InvalidDataException("a tensor is described by other arguments than those of _rebuild_tensor_v2");
        }

        TorchView view = new(storage, offset, Sizes(size), Sizes(stride));
        return offset >= 0 && view.Shape.Length == view.Strides.Length
            ? view
            : throw new InvalidDataException($"a tensor has {size.Length} sizes, {stride.Length} strides and the offset {offset}");
    }

    // _rebuild_parameter(data, requires_grad, backward_hooks)
    private static TorchView RebuildParameter(object?[] arguments) => arguments is [TorchView data, bool, _]
        ? data
        : throw new InvalidDataException("a parameter is described by other arguments than those of _rebuild_parameter");

    // ('storage', storage_type, key, location, numel)
    private static TorchStorage LoadStorage(object? id) =>
        id is object?[] and ["storage", ValueTuple<ScalarType, int>(var dtype, var bytes), string key, string, long and >= 0 and var count]
            ? new TorchStorage(key, dtype, bytes, count)
            : throw new InvalidDataException("a storage is described by something other than type, key, place and size");

    private static long[] Sizes(object?[] sizes) =>
        [.. sizes.Select(size => size is long and >= 0 and var value ? value : throw new InvalidDataException($"a tensor has the size or stride {size ?? "None"}"))];

    private static string Describe(OrderedDictionary<object, object?> dictionary) =>
        dictionary.Count == 0 ? "an empty dictionary" : "the keys " + string.Join(", ", dictionary.Keys.Take(20).Select(key => $"'{key}'"));
}
