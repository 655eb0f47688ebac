using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

/// <summary>Writes what <c>torch.save</c> writes, so that tests can make files of any content, forged ones included.</summary>
internal sealed class TorchArchiveWriter
{
    private static readonly Dictionary<ScalarType, string> StorageTypes = new()
    {
        [ScalarType.Float64] = "DoubleStorage",
        [ScalarType.Float32] = "FloatStorage",
        [ScalarType.Float16] = "HalfStorage",
        [ScalarType.BFloat16] = "BFloat16Storage",
        [ScalarType.Int64] = "LongStorage",
        [ScalarType.Int32] = "IntStorage",
        [ScalarType.Int16] = "ShortStorage",
        [ScalarType.Int8] = "CharStorage",
        [ScalarType.Byte] = "ByteStorage",
        [ScalarType.Bool] = "BoolStorage",
    };

    private readonly List<byte> _pickle = [];
    private readonly List<byte[]> _storages = [];

    public TorchArchiveWriter() => Emit(0x80, 2); // PROTO 2

    /// <summary>Raw opcodes.</summary>
    public TorchArchiveWriter Emit(params ReadOnlySpan<byte> bytes)
    {
        _pickle.AddRange(bytes);
        return this;
    }

    public TorchArchiveWriter Global(string module, string name) => Emit(Encoding.UTF8.GetBytes($"c{module}\n{name}\n"));

    public TorchArchiveWriter Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, utf8.Length);
        return Emit((byte)'X').Emit(length).Emit(utf8);
    }

    public TorchArchiveWriter Int(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Emit(0x8a, 8).Emit(bytes); // LONG1
    }

    public TorchArchiveWriter Tuple(params long[] values)
    {
        Emit((byte)'(');
        Array.ForEach(values, value => Int(value));
        return Emit((byte)'t');
    }

    /// <summary>A storage of raw elements; gives its key.</summary>
    public string Store(Tensor elements)
    {
        using Tensor contiguous = elements.contiguous();
        _storages.Add(contiguous.bytes.ToArray());
        return $"{_storages.Count - 1}";
    }

    /// <summary>A call of <c>_rebuild_tensor_v2</c> on a storage.</summary>
    public TorchArchiveWriter View(string key, ScalarType dtype, long count, long offset, long[] shape, long[] strides)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Emit((byte)'(');
        Emit((byte)'(').Text("storage").Global("torch", StorageTypes[dtype]).Text(key).Text("cpu").Int(count).Emit((byte)'t', (byte)'Q');
        Int(offset).Tuple(shape).Tuple(strides).Emit(0x89); // NEWFALSE: no gradient
        return Global("collections", "OrderedDict").Emit((byte)')', (byte)'R', (byte)'t', (byte)'R');
    }

    /// <summary>A dictionary of tensors, each with a storage of its own.</summary>
    public TorchArchiveWriter StateDict(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        Global("collections", "OrderedDict").Emit((byte)')', (byte)'R', (byte)'(');
        foreach ((string name, Tensor tensor) in tensors)
        {
            Text(name);
            long[] strides = [.. tensor.shape.Select((_, axis) => tensor.shape[(axis + 1)..].Aggregate(1L, (product, size) => product * size))];
            View(Store(tensor), tensor.dtype, tensor.numel(), 0, tensor.shape, strides);
        }

        return Emit((byte)'u');
    }

    /// <summary>Ends the pickle and writes the archive.</summary>
    public string Save(string path, string prefix = "archive/", string? byteOrder = "little", CompressionLevel compression = CompressionLevel.NoCompression)
    {
        Emit((byte)'.');
        using ZipArchive archive = new(File.Create(path), ZipArchiveMode.Create);
        Add(prefix + "data.pkl", [.. _pickle]);
        if (byteOrder != null)
        {
            Add(prefix + "byteorder", Encoding.ASCII.GetBytes(byteOrder));
        }

        for (int i = 0; i < _storages.Count; i++)
        {
            Add($"{prefix}data/{i}", _storages[i]);
        }

        return path;

        void Add(string name, byte[] content)
        {
            using Stream stream = archive.CreateEntry(name, compression).Open();
            stream.Write(content);
        }
    }
}
