using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>
/// A state dict saved by <c>torch.save</c> (<c>.bin</c>, <c>.pt</c>, <c>.ckpt</c>): a zip archive of a pickle and one block
/// of raw elements per storage.
/// </summary>
/// <remarks>
/// Nothing in the file is executed: see <see cref="PickleReader"/>. Names are those of the file's dictionary, or of the
/// dictionary under its key <c>state_dict</c> or <c>string_to_param</c>; values that are no tensors are left out. Tensors that share a storage, or
/// view it with strides, are read as torch would.
/// </remarks>
public sealed class TorchFile : IStateDictFile
{
    private const long MaxPickleBytes = 100_000_000;

    // A view with stride 0 may be larger than its storage; a forged one must not fill the memory.
    private const long SmallViewBytes = 1 << 20;

    private readonly RandomAccessFile _file;
    private readonly OrderedDictionary<string, TensorInfo> _tensors = [];
    private readonly Dictionary<string, (TorchView View, long Offset)> _views = [];

    private TorchFile(RandomAccessFile file)
    {
        _file = file;
        ReadContents();
    }

    /// <inheritdoc/>
    public string Path => _file.Path;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>The texts of the file's dictionary, such as the <c>name</c> of a web UI's textual inversion.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; private set; } = StateDictFile.NoMetadata;

    /// <summary>Opens a file, reads its pickle, and checks every tensor against its storage.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The open file; dispose of it when its tensors are copied.</returns>
    /// <exception cref="CheckpointException">
    /// The file is missing, truncated, malformed or of torch's format before 1.6, or its pickle holds no dictionary of tensors.
    /// </exception>
    public static TorchFile Open(string path)
    {
        try
        {
            return StateDictFile.ReadOrClose(RandomAccessFile.Open(path), file => new TorchFile(file));
        }
        catch (InvalidDataException error)
        {
            throw new CheckpointException(
                $"'{path}' cannot be read as a torch state dict: {error.Message}. Use a file made by torch.save(model.state_dict(), …), or the .safetensors file.", error);
        }
    }

    /// <inheritdoc/>
    public Tensor Read(string name) => StateDictFile.ReadTensor(this, name);

    /// <inheritdoc/>
    public void CopyTo(string name, Tensor destination)
    {
        TensorInfo info = TensorInfo.Find(this, name, destination);
        (TorchView view, long offset) = _views[name];
        if (view.IsContiguous)
        {
            _file.CopyTo(offset, info.DType, destination);
            return;
        }

        using var noGrad = torch.no_grad();
        using Tensor elements = torch.empty([view.Extent], info.DType, torch.CPU);
        _file.CopyTo(offset, info.DType, elements);
        using Tensor strided = elements.as_strided(view.Shape, view.Strides);
        destination.copy_(strided);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void ReadContents()
    {
        RefuseOtherFormats();
        ZipDirectory archive = ZipDirectory.Read(_file);
        string[] pickles = [.. archive.Names.Where(name => name == "data.pkl" || name.EndsWith("/data.pkl", StringComparison.Ordinal))];
        if (pickles is not [string pickle])
        {
            throw new InvalidDataException($"the archive has {pickles.Length} entries named data.pkl, and one is needed");
        }

        string prefix = pickle[..^"data.pkl".Length];
        RefuseBigEndian(archive, prefix);
        (IReadOnlyList<KeyValuePair<string, TorchView>> tensors, Metadata) = TorchPickle.Read(Contents(archive, pickle, MaxPickleBytes));
        foreach ((string name, TorchView view) in tensors)
        {
            Add(name, view, archive.Find(prefix + "data/" + view.Storage.Key)
                ?? throw new InvalidDataException($"tensor '{name}' lies in the storage '{view.Storage.Key}', which the archive lacks"));
        }
    }

    private void Add(string name, TorchView view, (long Offset, long Bytes) entry)
    {
        TorchStorage storage = view.Storage;
        if (entry.Bytes < (Int128)storage.Count * storage.ElementBytes)
        {
            throw new InvalidDataException(
                $"the storage '{storage.Key}' of tensor '{name}' should hold {storage.Count} elements of {storage.DType}, but has {entry.Bytes} bytes");
        }

        if (!view.Fits(Math.Max(_file.Length, SmallViewBytes)))
        {
            throw new InvalidDataException(
                $"tensor '{name}' of shape {TensorInfo.FormatShape(view.Shape)}, strides {TensorInfo.FormatShape(view.Strides)} and offset {view.Offset} does not fit into its storage of {storage.Count} elements");
        }

        _tensors[name] = new TensorInfo(name, storage.DType, view.Shape);
        _views[name] = (view, entry.Offset + view.Offset * storage.ElementBytes);
    }

    private void RefuseOtherFormats()
    {
        byte[] start = _file.ReadBytes(0, (int)Math.Min(4, _file.Length));
        if (start is [0x80, 2, 0x8a, 0x0a]) // PROTO 2, LONG1 of ten bytes: the old format's magic number
        {
            throw new InvalidDataException(
                "it has torch's format from before 1.6; load it in Python with torch.load(path, weights_only=True) and write it again with torch.save");
        }

        if (start is not [(byte)'P', (byte)'K', ..])
        {
            throw new InvalidDataException("it does not begin as a zip archive");
        }
    }

    private void RefuseBigEndian(ZipDirectory archive, string prefix)
    {
        if (archive.Find(prefix + "byteorder") is not null
            && Encoding.ASCII.GetString(Contents(archive, prefix + "byteorder", 16)) is var order
            && order != "little")
        {
            throw new InvalidDataException($"its byte order is '{order}', and 'little' can be read");
        }
    }

    private byte[] Contents(ZipDirectory archive, string entry, long maxBytes)
    {
        (long offset, long bytes) = archive.Find(entry)!.Value;
        return bytes <= maxBytes
            ? _file.ReadBytes(offset, (int)bytes)
            : throw new InvalidDataException($"its entry '{entry}' has {bytes} bytes, and at most {maxBytes} are allowed");
    }
}
