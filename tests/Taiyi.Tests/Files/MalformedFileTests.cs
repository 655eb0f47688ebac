using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Taiyi.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

/// <summary>Whatever a file holds, opening it gives its tensors or one clear sentence.</summary>
[NoTensorLeak]
public sealed class MalformedFileTests : IDisposable
{
    private const string Whole = """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-malformed-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", "not JSON")]
    [InlineData("""[]""", "not an object")]
    [InlineData("""{"w":7}""", "described by 7")]
    [InlineData("""{"w":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}}""", "dtype F8_E4M3")]
    [InlineData("""{"w":{"shape":[2],"data_offsets":[0,8]}}""", "dtype missing")]
    [InlineData("""{"w":{"dtype":"F32","data_offsets":[0,8]}}""", "no list 'shape'")]
    [InlineData("""{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "shape [-2]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", "shape [2.5]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "F32 [3] needs 12 bytes, but data_offsets [0, 8] give 8")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}""", "larger than any file")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "not a begin and an end")]
    [InlineData("""{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "not a begin and an end")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "truncated")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "appended")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "'w' at bytes 4 to 8 leaves a gap behind 'the header'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "'b' at bytes 4 to 8 overlaps 'a'")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "'w' is listed twice")]
    [InlineData("""{"__metadata__":{"format":1},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "__metadata__")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "not JSON")]
    public void A_bad_safetensors_header_is_named(string header, string expected)
    {
        string path = Save("w.safetensors", Bytes(header.Length, header));

        CheckpointException error = Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path));

        Assert.Contains(expected, error.Message);
        Assert.Contains(path, error.Message);
    }

    [Theory]
    [InlineData(ulong.MaxValue, "at most 100000000")]
    [InlineData(100_000_001, "at most 100000000")]
    [InlineData(1000, "only 62 follow")]
    public void A_header_length_that_cannot_be_is_refused(ulong length, string expected)
    {
        string path = Save("w.safetensors", Bytes(unchecked((long)length), Whole));

        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => SafetensorsFile.Open(path)).Message);
    }

    [Theory]
    [InlineData("", "begin with nothing")]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull")]
    [InlineData("<!DOCTYPE html><html>", "neither a safetensors file nor a torch file")]
    public void A_file_of_another_kind_is_recognised_by_its_content(string content, string expected)
    {
        string path = Save("model.safetensors", Encoding.UTF8.GetBytes(content));

        Assert.Contains(expected, Assert.Throws<CheckpointException>(() => StateDictFile.Open(path)).Message);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        string path = Path.Combine(_folder, "none.bin");

        Assert.Contains(path, Assert.Throws<CheckpointException>(() => StateDictFile.Open(path)).Message);
    }

    [Fact]
    public void Formats_are_told_apart_by_content_whatever_the_name_says()
    {
        using var scope = torch.NewDisposeScope();
        string torchFile = Path.Combine(_folder, "a.safetensors"), safetensors = Path.Combine(_folder, "b.bin");
        new TorchArchiveWriter().StateDict([KeyValuePair.Create("w", torch.ones(1))]).Save(torchFile);
        SafetensorsFile.Write(safetensors, [KeyValuePair.Create("w", torch.ones(1))]);

        using IStateDictFile first = StateDictFile.Open(torchFile), second = StateDictFile.Open(safetensors);

        Assert.IsType<TorchFile>(first);
        Assert.IsType<SafetensorsFile>(second);
    }

    [Fact]
    public void Flipped_and_cut_safetensors_give_tensors_or_a_sentence()
    {
        using var scope = torch.NewDisposeScope();
        string path = Path.Combine(_folder, "whole");
        SafetensorsFile.Write(path, [KeyValuePair.Create("a.weight", torch.ones(2, 3)), KeyValuePair.Create("b", torch.arange(3))]);

        AssertOnlySentences(File.ReadAllBytes(path));
    }

    [Fact]
    public void Flipped_and_cut_torch_files_give_tensors_or_a_sentence()
    {
        using var scope = torch.NewDisposeScope();
        string path = Path.Combine(_folder, "whole");
        TorchArchiveWriter writer = new();
        writer.Emit((byte)'}', (byte)'(').Text("epoch").Int(3).Text("state_dict");
        writer.StateDict([KeyValuePair.Create("a.weight", torch.ones(2, 3)), KeyValuePair.Create("b", torch.arange(3))]).Emit((byte)'u').Save(path);

        AssertOnlySentences(File.ReadAllBytes(path));
    }

    private void AssertOnlySentences(byte[] whole)
    {
        string path = Path.Combine(_folder, "mutated");
        Gen<(int At, byte Value)[]> flips = Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[0, 3];
        Gen<int> length = Gen.Frequency((3, Gen.Const(whole.Length)), (1, Gen.Int[0, whole.Length]));
        Gen.Select(flips, length).Sample(
            (changes, bytes) =>
            {
                byte[] mutated = [.. whole];
                Array.ForEach(changes, change => mutated[change.At] = change.Value);
                File.WriteAllBytes(path, mutated[..bytes]);
                OpenAndRead(path);
            },
            iter: 1000,
            threads: 1);
    }

    private static void OpenAndRead(string path)
    {
        try
        {
            using IStateDictFile file = StateDictFile.Open(path);
            foreach (string name in file.Tensors.Keys)
            {
                using Tensor tensor = file.Read(name);
                Assert.Equal(file.Tensors[name].Shape, tensor.shape);
            }
        }
        catch (CheckpointException error)
        {
            Assert.Contains(path, error.Message);
        }
    }

    private string Save(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>A file with eight bytes of data.</summary>
    private static byte[] Bytes(long headerLength, string header)
    {
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, headerLength);
        return [.. length, .. Encoding.UTF8.GetBytes(header), .. new byte[8]];
    }
}
