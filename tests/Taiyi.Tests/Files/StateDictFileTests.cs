using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

[NoTensorLeak]
public sealed class StateDictFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("state-dict").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Safetensors_are_recognised_at_every_length_of_their_header()
    {
        HashSet<byte> firstBytes = [];
        using Tensor one = ones(1);
        for (int padding = 0; padding < 256; padding++)
        {
            string path = Path.Combine(_folder, $"{padding}.safetensors");
            SafetensorsFile.Write(path, [KeyValuePair.Create("x", one)], new Dictionary<string, string> { ["pad"] = new('x', padding) });
            firstBytes.Add(File.ReadAllBytes(path)[0]);
            using IStateDictFile file = StateDictFile.Open(path);
            Assert.IsType<SafetensorsFile>(file);
        }

        Assert.Contains((byte)0x80, firstBytes); // the length that begins like a pickle
    }
}
