using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>The JSON header of a safetensors file, read and checked against the file's length.</summary>
internal sealed class SafetensorsHeader
{
    internal const string MetadataKey = "__metadata__";
    private const int LengthBytes = sizeof(ulong);

    // The reference reader's own limit; a header of all Taiyi networks is below 200 kB.
    private const long MaxHeaderBytes = 100_000_000;

    /// <summary>The format's dtypes that torch has too, with bytes per element.</summary>
    internal static readonly (string Name, ScalarType DType, int Bytes)[] DTypes =
    [
        ("F64", ScalarType.Float64, 8), ("F32", ScalarType.Float32, 4), ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8), ("I32", ScalarType.Int32, 4), ("I16", ScalarType.Int16, 2), ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    private readonly RandomAccessFile _file;
    private readonly OrderedDictionary<string, TensorInfo> _tensors = [];
    private readonly Dictionary<string, string> _metadata = [];
    private readonly Dictionary<string, long> _offsets = [];
    private readonly List<(long Begin, long End, string Name)> _stretches = [];

    private SafetensorsHeader(RandomAccessFile file) => _file = file;

    public IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>Where each tensor's data begins, in bytes from the start of the file.</summary>
    public IReadOnlyDictionary<string, long> Offsets => _offsets;

    /// <exception cref="CheckpointException">The header is malformed or does not fit the file's length.</exception>
    public static SafetensorsHeader Read(RandomAccessFile file)
    {
        SafetensorsHeader header = new(file);
        int headerBytes = header.ReadLength();
        header.ReadEntries(file.ReadBytes(LengthBytes, headerBytes), dataStart: LengthBytes + headerBytes);
        header.CheckStretches(file.Length - LengthBytes - headerBytes);
        return header;
    }

    private int ReadLength()
    {
        if (_file.Length < LengthBytes)
        {
            throw Malformed($"it has {_file.Length} bytes, fewer than the {LengthBytes} of the header length");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(_file.ReadBytes(0, LengthBytes));
        if (length > MaxHeaderBytes)
        {
            throw Malformed($"its header length is {length} bytes, and at most {MaxHeaderBytes} are allowed");
        }

        if ((long)length > _file.Length - LengthBytes)
        {
            throw Malformed($"its header length is {length} bytes, but only {_file.Length - LengthBytes} follow");
        }

        return (int)length;
    }

    private void ReadEntries(byte[] header, long dataStart)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(header);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Malformed($"its header is a JSON {json.RootElement.ValueKind}, not an object");
            }

            foreach (JsonProperty entry in json.RootElement.EnumerateObject())
            {
                if (entry.Name == MetadataKey)
                {
                    ReadMetadata(entry.Value);
                }
                else
                {
                    ReadEntry(entry.Name, entry.Value, dataStart);
                }
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException) // the latter: text that is no UTF-8
        {
            throw new CheckpointException(Sentence($"its header is not JSON ({error.Message.TrimEnd('.')})"), error);
        }
    }

    private void ReadMetadata(JsonElement metadata)
    {
        if (metadata.ValueKind != JsonValueKind.Object
            || metadata.EnumerateObject().FirstOrDefault(entry => entry.Value.ValueKind != JsonValueKind.String).Value.ValueKind != JsonValueKind.Undefined)
        {
            throw Malformed($"its {MetadataKey} is not an object of strings");
        }

        foreach (JsonProperty entry in metadata.EnumerateObject())
        {
            if (!_metadata.TryAdd(entry.Name, entry.Value.GetString()!))
            {
                throw Malformed($"its {MetadataKey} has '{entry.Name}' twice");
            }
        }
    }

    private void ReadEntry(string name, JsonElement entry, long dataStart)
    {
        if (entry.ValueKind != JsonValueKind.Object)
        {
            throw Malformed($"tensor '{name}' is described by {Shorten(entry)}, not by an object");
        }

        (string Name, ScalarType DType, int Bytes) dtype = ReadDType(name, entry);
        long[] shape = ReadSizes(name, entry, "shape");
        long[] offsets = ReadSizes(name, entry, "data_offsets");
        if (offsets.Length != 2 || offsets[1] < offsets[0])
        {
            throw Malformed($"tensor '{name}' has data_offsets {TensorInfo.FormatShape(offsets)}, not a begin and an end");
        }

        long bytes = ByteCount(name, shape, dtype.Bytes);
        if (bytes != offsets[1] - offsets[0])
        {
            throw Malformed(
                $"tensor '{name}' of {dtype.Name} {TensorInfo.FormatShape(shape)} needs {bytes} bytes, but data_offsets {TensorInfo.FormatShape(offsets)} give {offsets[1] - offsets[0]}");
        }

        if (!_tensors.TryAdd(name, new TensorInfo(name, dtype.DType, shape)))
        {
            throw Malformed($"tensor '{name}' is listed twice");
        }

        _offsets[name] = dataStart + offsets[0];
        _stretches.Add((offsets[0], offsets[1], name));
    }

    private (string Name, ScalarType DType, int Bytes) ReadDType(string name, JsonElement entry)
    {
        string? dtype = entry.TryGetProperty("dtype", out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        int index = Array.FindIndex(DTypes, pair => pair.Name == dtype);
        return index >= 0
            ? DTypes[index]
            : throw Malformed($"tensor '{name}' has dtype {dtype ?? "missing"}, and {string.Join(", ", DTypes.Select(pair => pair.Name))} can be read");
    }

    private long[] ReadSizes(string name, JsonElement entry, string field)
    {
        if (!entry.TryGetProperty(field, out JsonElement value) || value.ValueKind != JsonValueKind.Array)
        {
            throw Malformed($"tensor '{name}' has no list '{field}'");
        }

        return [.. value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt64(out long size) && size >= 0
            ? size
            : throw Malformed($"tensor '{name}' has {field} {Shorten(value)}, which are not whole numbers from 0 up"))];
    }

    private long ByteCount(string name, long[] shape, int elementBytes)
    {
        Int128 bytes = elementBytes;
        foreach (long size in shape)
        {
            bytes *= Math.Max(size, 1); // torch refuses overflow even where another size is 0
            if (bytes > long.MaxValue)
            {
                throw Malformed($"tensor '{name}' has shape {TensorInfo.FormatShape(shape)}, larger than any file");
            }
        }

        return shape.Contains(0) ? 0 : (long)bytes;
    }

    /// <summary>The tensors must cover the data exactly: no gap, no overlap, nothing before, behind or beyond it.</summary>
    private void CheckStretches(long dataBytes)
    {
        (long Begin, long End, string Name) previous = (0, 0, "the header");
        foreach ((long Begin, long End, string Name) stretch in _stretches.OrderBy(stretch => (stretch.Begin, stretch.End)))
        {
            if (stretch.Begin != previous.End)
            {
                string how = stretch.Begin < previous.End ? "overlaps" : "leaves a gap behind";
                throw Malformed($"tensor '{stretch.Name}' at bytes {stretch.Begin} to {stretch.End} {how} '{previous.Name}', which ends at {previous.End}");
            }

            previous = stretch;
        }

        if (previous.End != dataBytes)
        {
            string how = previous.End > dataBytes ? "it is truncated" : "something was appended";
            throw Malformed($"its tensors take {previous.End} bytes behind the header, but {dataBytes} are there: {how}");
        }
    }

    private static string Shorten(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= 60 ? text : text[..60] + "…";
    }

    private CheckpointException Malformed(string what) => new(Sentence(what));

    private string Sentence(string what) => $"'{_file.Path}' is no whole safetensors file: {what}. Copy or download it again.";
}
