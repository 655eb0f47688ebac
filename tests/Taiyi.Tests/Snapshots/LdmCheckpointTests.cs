using System.Buffers.Binary;
using System.Text.Json;
using Taiyi.Files;
using Taiyi.Snapshots;
using Taiyi.Tests.Files;
using Taiyi.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Snapshots;

[NoTensorLeak]
public sealed class LdmCheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-ldm-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_full_size_checkpoint_without_configs_has_the_names_and_shapes_of_Taiyi()
    {
        using JsonDocument golden = JsonDocument.Parse(File.ReadAllBytes(Repository.Golden("full_size.json")));
        Dictionary<string, long[]> text = Golden(golden, "text_encoder");
        string path = WriteHeader(
        [
            .. FullSizeUNet().Select(tensor => ("model.diffusion_model." + tensor.Ldm, tensor.Shape)),
            .. FullSizeVae().Select(tensor => ("first_stage_model." + tensor.Ldm, tensor.Shape)),
            .. text.Select(pair => ("cond_stage_model.transformer." + pair.Key, pair.Value)),
            ("betas", [1000]), ("model_ema.decay", []),
        ]);
        File.Copy(Repository.Golden("tiny-taiyi/tokenizer/vocab.txt"), Path.Combine(_folder, "vocab.txt"));

        ModelFolder model = ModelFolder.Open(path);

        using IStateDictFile unet = model.OpenUNet(), vae = model.OpenVae(), textEncoder = model.OpenTextEncoder();
        AssertSame(Golden(golden, "unet"), unet, count: 686);
        AssertSame(Golden(golden, "vae"), vae, count: 248);
        AssertSame(text, textEncoder, count: 199);
        Assert.Equal(0.18215, model.VaeConfig.ScalingFactor);
    }

    [Fact]
    public void A_small_checkpoint_gives_the_networks_of_the_snapshot_folder()
    {
        using var scope = torch.NewDisposeScope();
        ModelFolder snapshot = ModelFolder.Open(GoldenModel.TinyTaiyi);
        CopyConfigs();
        string path = WriteCheckpoint(snapshot);

        ModelFolder model = ModelFolder.Open(path);

        AssertEqual(snapshot.LoadUNet(), model.LoadUNet());
        AssertEqual(snapshot.LoadVae(), model.LoadVae());
        AssertEqual(snapshot.LoadTextEncoder(), model.LoadTextEncoder());
    }

    [Fact]
    public void A_missing_vocabulary_and_a_missing_network_are_named()
    {
        string path = WriteHeader([("model.diffusion_model.out.2.bias", [4]), ("first_stage_model.quant_conv.bias", [8]), ("cond_stage_model.transformer.x", [1])]);
        Assert.Contains("vocab.txt", Assert.Throws<CheckpointException>(() => ModelFolder.Open(path)).Message);

        string unetOnly = WriteHeader([("model.diffusion_model.out.2.bias", [4])]);
        Assert.Contains(
            "begins with first_stage_model., cond_stage_model.transformer.",
            Assert.Throws<CheckpointException>(() => ModelFolder.Open(unetOnly)).Message);
    }

    private static IReadOnlyList<LdmTensor> FullSizeUNet() => LdmLayout.UNet(new() { CrossAttentionDim = 768 });

    private static IReadOnlyList<LdmTensor> FullSizeVae() => LdmLayout.Vae(new() { BlockOutChannels = [128, 256, 512, 512], LayersPerBlock = 2 });

    private static Dictionary<string, long[]> Golden(JsonDocument golden, string network) =>
        golden.RootElement.GetProperty(network).GetProperty("names_and_shapes").Deserialize<Dictionary<string, long[]>>()!;

    private static void AssertSame(Dictionary<string, long[]> golden, IStateDictFile actual, int count)
    {
        Assert.Equal(count, golden.Count);
        Assert.Equal(
            golden.Keys.Order(),
            actual.Tensors.Keys.Select(GoldenModel.OldVaeName).Select(name => golden.ContainsKey(name) ? name : TodayName(name)).Order());
        Assert.All(actual.Tensors.Values, info =>
            Assert.Equal(golden.GetValueOrDefault(info.Name) ?? golden[GoldenModel.OldVaeName(info.Name)], info.Shape));

        // UNet names also have to_q, where nothing was ever renamed.
        string TodayName(string old) => actual.Tensors.Keys.Single(name => GoldenModel.OldVaeName(name) == old);
    }

    private static void AssertEqual(nn.Module expected, nn.Module actual)
    {
        Dictionary<string, Tensor> actuals = actual.state_dict();
        Assert.All(expected.state_dict(), pair => Assert.True(pair.Value.Equals(actuals[pair.Key]), pair.Key));
        expected.Dispose();
        actual.Dispose();
    }

    private void CopyConfigs()
    {
        foreach (string file in (string[])["unet/config.json", "vae/config.json", "text_encoder/config.json", "tokenizer/vocab.txt"])
        {
            string target = Path.Combine(_folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Repository.Golden("tiny-taiyi/" + file), target);
        }
    }

    private string WriteCheckpoint(ModelFolder snapshot)
    {
        using IStateDictFile unet = snapshot.OpenUNet(), vae = snapshot.OpenVae(), text = snapshot.OpenTextEncoder();
        List<KeyValuePair<string, Tensor>> tensors =
        [
            .. LdmLayout.UNet(snapshot.UNetConfig).Select(t => Entry("model.diffusion_model." + t.Ldm, unet.Read(t.Diffusers).view(t.Shape))),
            .. LdmLayout.Vae(snapshot.VaeConfig).Select(t => Entry("first_stage_model." + t.Ldm, vae.Read(t.Diffusers).view(t.Shape))),
            .. text.Tensors.Keys.Select(name => Entry("cond_stage_model.transformer." + name, text.Read(name))),
            Entry("betas", torch.zeros(1000)),
        ];
        TorchArchiveWriter writer = new();
        writer.Emit((byte)'}', (byte)'(').Text("global_step").Int(7).Text("state_dict").StateDict(tensors);
        return writer.Emit((byte)'u').Save(Path.Combine(_folder, "tiny.ckpt"));

        static KeyValuePair<string, Tensor> Entry(string name, Tensor value) => KeyValuePair.Create(name, value);
    }

    /// <summary>A safetensors file of bytes that were never written: a header before one gigabyte that takes no place on disk.</summary>
    private string WriteHeader(IEnumerable<(string Name, long[] Shape)> tensors)
    {
        long end = 0;
        Dictionary<string, object> header = [];
        foreach ((string name, long[] shape) in tensors)
        {
            long begin = end;
            end += shape.Aggregate(1L, (product, size) => product * size);
            header.Add(name, new { dtype = "I8", shape, data_offsets = (long[])[begin, end] });
        }

        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.safetensors");
        using FileStream stream = File.Create(path);
        stream.Write(length);
        stream.Write(json);
        stream.SetLength(stream.Position + end);
        return path;
    }
}
