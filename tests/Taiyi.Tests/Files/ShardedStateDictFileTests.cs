using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

[NoTensorLeak]
public sealed class ShardedStateDictFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-shards-").FullName;

    private string Index => Path.Combine(_folder, "model.safetensors.index.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Tensors_of_all_files_are_read_by_the_index()
    {
        WriteShards();
        File.WriteAllText(Index, "\uFEFF{\"metadata\": {}, \"weight_map\": {\"a\": \"1.safetensors\", \"b\": \"2.bin\"}}");

        using var scope = NewDisposeScope();
        using IStateDictFile file = StateDictFile.Open(Index);

        Assert.Equal(["a", "b"], file.Tensors.Keys.Order());
        Assert.Equal([1f, 2f], file.Read("a").data<float>());
        Tensor b = zeros(1);
        file.CopyTo("b", b);
        Assert.Equal(3f, b.item<float>());
    }

    [Theory]
    [InlineData("""{"a": "1.safetensors", "b": "3.safetensors", "c": "4.bin"}""", "of which 3.safetensors, 4.bin are missing")]
    [InlineData("""{"a": "1.safetensors", "c": "2.bin"}""", "the tensor 'c' in '2.bin', which lacks it")]
    [InlineData("""{"a": "../1.safetensors"}""", "'../1.safetensors', which is not beside it")]
    [InlineData("{}", "no weight_map")]
    [InlineData("7", "'weight_map' is 7")]
    public void A_false_index_is_refused_with_what_is_wrong(string map, string expected)
    {
        WriteShards();
        File.WriteAllText(Index, $"{{\"weight_map\": {map}}}");

        CheckpointException error = Assert.Throws<CheckpointException>(() => StateDictFile.Open(Index));

        Assert.Contains(expected, error.Message);
        Assert.Contains(Index, error.Message);
    }

    private void WriteShards()
    {
        using var scope = NewDisposeScope();
        SafetensorsFile.Write(Path.Combine(_folder, "1.safetensors"), [KeyValuePair.Create("a", tensor(new[] { 1f, 2f }))]);
        new TorchArchiveWriter().StateDict([KeyValuePair.Create("b", tensor(new[] { 3f }))]).Save(Path.Combine(_folder, "2.bin"));
    }
}
