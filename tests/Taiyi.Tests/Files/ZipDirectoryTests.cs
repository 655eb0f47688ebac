using System.Buffers.Binary;
using Taiyi.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

/// <summary>Archives beyond 4 GB keep their sizes and offsets in 64-bit fields beside the saturated 32-bit ones.</summary>
[NoTensorLeak]
public sealed class ZipDirectoryTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("taiyi-zip-").FullName, "model.ckpt");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void Sizes_and_offsets_in_64_bit_fields_are_read()
    {
        using var scope = torch.NewDisposeScope();
        Tensor expected = torch.arange(1000);
        new TorchArchiveWriter().StateDict([KeyValuePair.Create("w", expected)]).Save(_path);
        File.WriteAllBytes(_path, ToZip64(File.ReadAllBytes(_path)));

        using TorchFile file = TorchFile.Open(_path);

        Assert.True(expected.Equals(file.Read("w")));
    }

    [Fact]
    public void A_saturated_field_without_its_64_bit_value_is_refused()
    {
        using var scope = torch.NewDisposeScope();
        new TorchArchiveWriter().StateDict([KeyValuePair.Create("w", torch.ones(1))]).Save(_path);
        byte[] archive = File.ReadAllBytes(_path);
        int directory = BinaryPrimitives.ReadInt32LittleEndian(archive.AsSpan(^6..));
        archive.AsSpan(directory + 24, 4).Fill(0xff);
        File.WriteAllBytes(_path, archive);

        Assert.Contains("lacks a 64-bit size", Assert.Throws<CheckpointException>(() => TorchFile.Open(_path)).Message);
    }

    /// <summary>Moves every size and offset of the directory into zip64 records (APPNOTE 4.3.14, 4.3.15, 4.5.3).</summary>
    private static byte[] ToZip64(byte[] archive)
    {
        ReadOnlySpan<byte> end = archive.AsSpan(^22..);
        int at = BinaryPrimitives.ReadInt32LittleEndian(end[16..]), stop = archive.Length - 22;
        List<byte> result = [.. archive[..at]];
        while (at < stop)
        {
            Span<byte> entry = archive.AsSpan(at, 46);
            int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(entry[28..]), extraBytes = BinaryPrimitives.ReadUInt16LittleEndian(entry[30..]);
            byte[] extra =
            [
                .. (byte[])[0x99, 0x99, 2, 0, 7, 7], // a field of some other kind comes first
                .. (byte[])[1, 0, 24, 0], .. Wide(entry[24..28]), .. Wide(entry[20..24]), .. Wide(entry[42..46]),
            ];
            entry[20..28].Fill(0xff);
            entry[42..46].Fill(0xff);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[30..], (ushort)extra.Length);
            result.AddRange([.. entry, .. archive[(at + 46)..(at + 46 + nameBytes)], .. extra]);
            at += 46 + nameBytes + extraBytes;
        }

        int begin = BinaryPrimitives.ReadInt32LittleEndian(end[16..]);
        byte[] record = new byte[56 + 20];
        BinaryPrimitives.WriteUInt32LittleEndian(record, 0x06064b50);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(4), 44);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(40), result.Count - begin);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(48), begin);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(56), 0x07064b50);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(64), result.Count);
        byte[] saturated = end.ToArray();
        saturated.AsSpan(8, 12).Fill(0xff);
        return [.. result, .. record, .. saturated];
    }

    private static byte[] Wide(ReadOnlySpan<byte> field) => [.. field, 0, 0, 0, 0];
}
