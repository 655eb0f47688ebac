using System.Text.Json;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Tests.Files;
using Taiyi.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Snapshots;

/// <summary>Model folders and checkpoints in the forms that other programs leave: shards, prefixes, byte order marks, a bare vocabulary, CLIP.</summary>
[NoTensorLeak]
public sealed class ModelFormsTests : IDisposable
{
    private static readonly string[] Configs =
        ["unet/config.json", "vae/config.json", "text_encoder/config.json", "scheduler/scheduler_config.json", "tokenizer/vocab.txt"];

    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-forms-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("unet", "diffusion_pytorch_model.safetensors.index.json", "diffusion_pytorch_model-{0}.safetensors")]
    [InlineData("vae", "diffusion_pytorch_model.bin.index.json", "diffusion_pytorch_model-{0}.bin")]
    [InlineData("text_encoder", "model.safetensors.index.json", "model-{0}.safetensors")]
    [InlineData("text_encoder", "pytorch_model.bin.index.json", "pytorch_model-{0}.bin")]
    [InlineData("unet", "diffusion_pytorch_model.safetensors.index.fp16.json", "diffusion_pytorch_model-{0}.fp16.safetensors")]
    [InlineData("text_encoder", "model.fp16.safetensors.index.json", "model.fp16-{0}.safetensors")]
    public void A_network_in_two_files_is_that_of_one(string part, string index, string shard)
    {
        using var scope = torch.NewDisposeScope();
        ModelFolder whole = CopyWithWeights();
        Dictionary<string, Tensor> expected = Weights(whole, part);
        foreach (string file in Directory.GetFiles(Path.Combine(_folder, part)).Where(file => !file.EndsWith("config.json", StringComparison.Ordinal)))
        {
            File.Delete(file);
        }

        Dictionary<string, string> map = [];
        for (int i = 1; i <= 2; i++)
        {
            string name = string.Format(null, shard, $"0000{i}-of-00002");
            KeyValuePair<string, Tensor>[] held = [.. expected.Where((_, number) => number % 2 == i - 1)];
            Array.ForEach(held, tensor => map[tensor.Key] = name);
            GoldenModel.Save(Path.Combine(_folder, part, name), held);
        }

        File.WriteAllText(Path.Combine(_folder, part, index), JsonSerializer.Serialize(new { metadata = new { }, weight_map = map }));

        AssertSame(expected, Weights(ModelFolder.Open(_folder), part));
    }

    [Theory]
    [InlineData("bert.")]
    [InlineData("module.bert.")]
    [InlineData("text_model.")]
    public void A_BERT_from_a_class_with_a_head_is_read_without_both(string prefix)
    {
        using var scope = torch.NewDisposeScope();
        ModelFolder model = CopyWithWeights();
        Dictionary<string, Tensor> expected = Weights(model, "text_encoder");
        GoldenModel.Save(
            Path.Combine(_folder, "text_encoder", "model.safetensors"),
            [
                .. expected.Select(tensor => KeyValuePair.Create(prefix + OldName(tensor.Key), tensor.Value)),
                KeyValuePair.Create("cls.predictions.bias", torch.zeros(3)), KeyValuePair.Create("classifier.weight", torch.zeros(2, 3)),
            ]);

        AssertSame(expected, Weights(ModelFolder.Open(_folder), "text_encoder"));
        ModelFolder.Open(_folder).LoadTextEncoder().Dispose();

        // As files made from TensorFlow's have it.
        static string OldName(string name) => name.Replace("LayerNorm.weight", "LayerNorm.gamma").Replace("LayerNorm.bias", "LayerNorm.beta");
    }

    [Theory]
    [InlineData("")]
    [InlineData("module.")]
    public void A_checkpoint_of_Fengshenbangs_script_gives_the_networks_of_the_folder(string wrapper)
    {
        using var scope = torch.NewDisposeScope();
        ModelFolder snapshot = ModelFolder.Open(GoldenModel.TinyTaiyi);
        CopyFiles(Configs);
        string[] parts = ["unet", "vae", "text_encoder"];
        IEnumerable<KeyValuePair<string, Tensor>> tensors = parts.SelectMany(part =>
            Weights(snapshot, part).Select(tensor => KeyValuePair.Create($"{wrapper}{part}.{tensor.Key}", tensor.Value)));
        string path = new TorchArchiveWriter().Emit((byte)'}').Text("state_dict").StateDict(tensors).Emit((byte)'s').Save(Path.Combine(_folder, "last.ckpt"));

        ModelFolder model = ModelFolder.Open(path);

        Assert.All(parts, part => AssertSame(Weights(snapshot, part), Weights(model, part)));
    }

    [Theory]
    [InlineData("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight")]
    [InlineData("cond_stage_model.model.transformer.resblocks.0.ln_1.weight")]
    [InlineData("conditioner.embedders.0.transformer.text_model.encoder.layers.0.layer_norm1.weight")]
    [InlineData("text_encoder.text_model.encoder.layers.0.layer_norm1.weight")]
    public void A_checkpoint_with_CLIP_is_named_as_one(string name)
    {
        using var scope = torch.NewDisposeScope();
        string path = Path.Combine(_folder, "sd.safetensors");
        GoldenModel.Save(path, [KeyValuePair.Create("model.diffusion_model.out.2.bias", torch.zeros(4)), KeyValuePair.Create(name, torch.zeros(4))]);

        Assert.Contains("is CLIP", Assert.Throws<CheckpointException>(() => ModelFolder.Open(path)).Message);
    }

    [Fact]
    public void A_folder_with_CLIP_is_named_as_one()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "tokenizer"));
        File.WriteAllText(Path.Combine(_folder, "tokenizer", "merges.txt"), "#version: 0.2\n");
        Assert.Contains("is CLIP", Assert.Throws<CheckpointException>(() => ModelFolder.Open(_folder)).Message);

        CopyWithWeights();
        File.WriteAllText(Path.Combine(_folder, "text_encoder", "config.json"), """{"model_type": "clip_text_model"}""");
        Assert.Contains("is CLIP", Assert.Throws<CheckpointException>(() => ModelFolder.Open(_folder)).Message);
    }

    [Fact]
    public void A_byte_order_mark_in_any_JSON_file_is_skipped()
    {
        CopyWithWeights();
        CopyFiles(["tokenizer/tokenizer_config.json"]);
        File.WriteAllText(Path.Combine(_folder, "taiyi.json"), """{"guidance_scale": 5}""");
        foreach (string file in Directory.GetFiles(_folder, "*.json", SearchOption.AllDirectories))
        {
            File.WriteAllBytes(file, [0xef, 0xbb, 0xbf, .. File.ReadAllBytes(file)]);
        }

        ModelFolder model = ModelFolder.Open(_folder);

        Assert.Equal(5, model.Defaults.GuidanceScale);
        Assert.Equal(512, model.LoadTokenizer().MaxLength);
    }

    [Theory]
    [InlineData("unet/config.json")]
    [InlineData("taiyi.json")]
    [InlineData("tokenizer/vocab.txt")]
    public void A_text_file_that_is_no_UTF8_is_named_with_the_line(string file)
    {
        CopyWithWeights();
        string path = Path.Combine(_folder, file);
        File.WriteAllBytes(path, [(byte)'\n', 0xba, 0xec, .. File.Exists(path) ? File.ReadAllBytes(path) : []]);

        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Open(_folder).LoadTokenizer()).Message;

        Assert.Contains($"{Path.GetFileName(file)}' line 2 is not UTF-8", message);
    }

    [Fact]
    public void A_vocabulary_alone_is_read_with_the_defaults_of_BERT()
    {
        File.WriteAllText(Path.Combine(_folder, "vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n一\n狮\ncafe\n");

        BertTokenizer tokenizer = BertTokenizer.FromFolder(_folder);

        Assert.Equal(512, tokenizer.MaxLength);
        Assert.Equal([2, 7, 5, 6, 3], tokenizer.Encode("Café 一狮").Ids); // lower case, no accents, Chinese characters apart
    }

    private ModelFolder CopyWithWeights()
    {
        CopyFiles([.. Configs, "unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"]);
        return ModelFolder.Open(_folder);
    }

    private void CopyFiles(IEnumerable<string> files)
    {
        foreach (string file in files)
        {
            string target = Path.Combine(_folder, file);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Repository.Golden("tiny-taiyi/" + file), target, overwrite: true);
        }
    }

    private static Dictionary<string, Tensor> Weights(ModelFolder model, string part)
    {
        using IStateDictFile file = part switch
        {
            "unet" => model.OpenUNet(),
            "vae" => model.OpenVae(),
            _ => model.OpenTextEncoder(),
        };
        return file.Tensors.Keys.ToDictionary(name => name, file.Read);
    }

    private static void AssertSame(Dictionary<string, Tensor> expected, Dictionary<string, Tensor> actual)
    {
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        Assert.All(expected, tensor => Assert.True(tensor.Value.Equals(actual[tensor.Key]), tensor.Key));
    }
}
