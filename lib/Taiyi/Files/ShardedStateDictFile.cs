using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>One network's weights in several files, seen as one; it owns the files.</summary>
/// <remarks>
/// The index is a JSON object whose <c>weight_map</c> has for every tensor the file that holds it, as <c>save_pretrained</c> of
/// diffusers and transformers writes above <c>max_shard_size</c>: <c>https://huggingface.co/docs/safetensors/main/en/metadata_parsing</c>.
/// </remarks>
internal sealed class ShardedStateDictFile : IStateDictFile
{
    private readonly OrderedDictionary<string, TensorInfo> _tensors = [];
    private readonly Dictionary<string, IStateDictFile> _shards = [];

    private ShardedStateDictFile(string path) => Path = path;

    /// <summary>The index.</summary>
    public string Path { get; }

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => StateDictFile.NoMetadata;

    /// <summary>Opens all files of an index.</summary>
    /// <param name="path">The index, such as <c>diffusion_pytorch_model.safetensors.index.json</c>.</param>
    /// <exception cref="CheckpointException">The index is malformed, or a file or one of its tensors is missing; the message names them.</exception>
    public static ShardedStateDictFile Open(string path)
    {
        Dictionary<string, string> map = ConfigFile.Open(path).Deserialize<Index>().WeightMap;
        string folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        string[] shards = [.. map.Values.Distinct().Order(StringComparer.Ordinal)];
        RefuseNames(path, shards);
        string[] missing = [.. shards.Where(shard => !File.Exists(System.IO.Path.Combine(folder, shard)))];
        if (missing.Length > 0)
        {
            throw new CheckpointException($"'{path}' lists {shards.Length} files, of which {string.Join(", ", missing)} {(missing.Length == 1 ? "is" : "are")} missing: copy all of them beside it.");
        }

        return StateDictFile.ReadOrClose(new ShardedStateDictFile(path), file =>
        {
            Array.ForEach(shards, shard => file._shards.Add(shard, StateDictFile.Open(System.IO.Path.Combine(folder, shard))));
            file.ListTensors(map);
            return file;
        });
    }

    /// <inheritdoc/>
    public Tensor Read(string name) => _shards[ShardOf(name)].Read(name);

    /// <inheritdoc/>
    public void CopyTo(string name, Tensor destination) => _shards[ShardOf(name)].CopyTo(name, destination);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (IStateDictFile shard in _shards.Values)
        {
            shard.Dispose();
        }
    }

    private string ShardOf(string name)
    {
        TensorInfo.Find(this, name);
        return _shards.Single(shard => shard.Value.Tensors.ContainsKey(name)).Key;
    }

    private static void RefuseNames(string path, string[] shards)
    {
        if (shards.Length == 0)
        {
            throw new CheckpointException($"'{path}' has no weight_map with the files of its tensors: copy the model again.");
        }

        // A name from a file must not lead out of the model's folder.
        if (Array.Find(shards, shard => shard.Length == 0 || shard is "." or ".." || shard.AsSpan().IndexOfAny('/', '\\', ':') >= 0) is { } outside)
        {
            throw new CheckpointException($"'{path}' names the file '{outside}', which is not beside it: copy the model again.");
        }
    }

    private void ListTensors(Dictionary<string, string> map)
    {
        foreach ((string shard, IStateDictFile file) in _shards)
        {
            foreach ((string name, TensorInfo info) in file.Tensors)
            {
                if (!_tensors.TryAdd(name, info))
                {
                    throw new CheckpointException($"'{Path}' has the tensor '{name}' in two of its files, one is '{shard}': copy the model again.");
                }
            }
        }

        if (map.FirstOrDefault(entry => !_shards[entry.Value].Tensors.ContainsKey(entry.Key)) is { Key: { } lacking } pair)
        {
            throw new CheckpointException($"'{Path}' expects the tensor '{lacking}' in '{pair.Value}', which lacks it: copy that file again.");
        }
    }

    private sealed record Index
    {
        public Dictionary<string, string> WeightMap { get; init; } = [];
    }
}
