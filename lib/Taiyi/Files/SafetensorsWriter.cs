using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Files;

/// <summary>Writes a safetensors file: header length, header, data; see <see cref="SafetensorsFile.Write"/>.</summary>
internal sealed class SafetensorsWriter
{
    private const long PieceElements = 1L << 24;

    private readonly string _path;
    private readonly IReadOnlyList<KeyValuePair<string, Tensor>> _entries;
    private readonly IReadOnlyList<KeyValuePair<string, Tensor>> _layout;
    private readonly Dictionary<string, long> _begins = [];

    private SafetensorsWriter(string path, IReadOnlyList<KeyValuePair<string, Tensor>> entries)
    {
        _path = path;
        _entries = entries;
        // Wider elements first, as the reference writer does, so that each tensor is aligned to its element size.
        _layout = [.. entries.OrderByDescending(entry => entry.Value.ElementSize)];
    }

    public static void Write(
        string path,
        IReadOnlyList<KeyValuePair<string, Tensor>> entries,
        IReadOnlyDictionary<string, string>? metadata)
    {
        SafetensorsWriter writer = new(path, entries);
        writer.LayOut();
        byte[] header = writer.BuildHeader(metadata);

        AtomicWrite.File(path, stream =>
        {
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            writer.WriteData(stream);
        });
    }

    private static string DTypeName(ScalarType dtype) =>
        SafetensorsHeader.DTypes.FirstOrDefault(pair => pair.DType == dtype).Name;

    private static long ByteCount(Tensor tensor) => tensor.numel() * tensor.ElementSize;

    private void LayOut()
    {
        long end = 0;
        foreach ((string name, Tensor tensor) in _layout)
        {
            if (name == SafetensorsHeader.MetadataKey || !_begins.TryAdd(name, end))
            {
                throw new CheckpointException($"'{_path}' was not written: the tensor name '{name}' is taken; give every tensor a name of its own.");
            }

            if (DTypeName(tensor.dtype) is null)
            {
                string allowed = string.Join(", ", SafetensorsHeader.DTypes.Select(pair => pair.DType));
                throw new CheckpointException($"'{_path}' was not written: tensor '{name}' is {tensor.dtype}; convert it to one of {allowed}.");
            }

            end += ByteCount(tensor);
        }
    }

    private byte[] BuildHeader(IReadOnlyDictionary<string, string>? metadata)
    {
        using MemoryStream stream = new();
        // Names and metadata in Chinese stay readable: the header is no HTML.
        JsonWriterOptions options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (Utf8JsonWriter json = new(stream, options))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            foreach ((string name, Tensor tensor) in _entries)
            {
                WriteEntry(json, name, tensor);
            }

            json.WriteEndObject();
        }

        while (stream.Length % sizeof(ulong) != 0)
        {
            stream.WriteByte((byte)' '); // the data begins at a multiple of eight
        }

        return stream.ToArray();
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is not { Count: > 0 })
        {
            return;
        }

        json.WriteStartObject(SafetensorsHeader.MetadataKey);
        foreach ((string key, string value) in metadata)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private void WriteEntry(Utf8JsonWriter json, string name, Tensor tensor)
    {
        json.WriteStartObject(name);
        json.WriteString("dtype", DTypeName(tensor.dtype));
        WriteSizes(json, "shape", tensor.shape);
        WriteSizes(json, "data_offsets", [_begins[name], _begins[name] + ByteCount(tensor)]);
        json.WriteEndObject();
    }

    private static void WriteSizes(Utf8JsonWriter json, string field, long[] sizes)
    {
        json.WriteStartArray(field);
        foreach (long size in sizes)
        {
            json.WriteNumberValue(size);
        }

        json.WriteEndArray();
    }

    private void WriteData(FileStream stream)
    {
        foreach ((_, Tensor tensor) in _layout)
        {
            using var scope = torch.NewDisposeScope();
            Tensor flat = tensor.detach().cpu().contiguous().view(-1);
            for (long start = 0; start < flat.numel(); start += PieceElements)
            {
                stream.Write(flat.narrow(0, start, Math.Min(PieceElements, flat.numel() - start)).bytes);
            }
        }
    }
}
