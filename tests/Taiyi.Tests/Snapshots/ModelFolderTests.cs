using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Tests.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Snapshots;

[NoTensorLeak]
public sealed class ModelFolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-model-").FullName;

    public ModelFolderTests() => CopyFolder(GoldenModel.TinyTaiyi, _folder);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_snapshot_in_the_style_of_diffusers_0_3_has_Taiyis_values_where_its_files_are_silent()
    {
        ModelFolder model = ModelFolder.Open(_folder);

        Assert.Equal(0.18215, model.VaeConfig.ScalingFactor);
        Assert.Equal(1, model.SchedulerConfig.StepsOffset);
        Assert.False(model.SchedulerConfig.SetAlphaToOne);
        Assert.Equal(32, model.UNetConfig.CrossAttentionDim);
        Assert.Equal(512, model.LoadTokenizer().MaxLength);
        Assert.Equal(new ModelDefaults(), model.Defaults);
    }

    [Theory]
    [InlineData("diffusion_pytorch_model.safetensors", ScalarType.Float32)]
    [InlineData("diffusion_pytorch_model.bin", ScalarType.Float16)]
    [InlineData("diffusion_pytorch_model.fp16.safetensors", ScalarType.Float16)]
    [InlineData("diffusion_pytorch_model.bf16.safetensors", ScalarType.BFloat16)]
    public void Every_form_of_the_UNets_file_gives_the_same_network(string only, ScalarType dtype)
    {
        using UNet2DConditionModel expected = GoldenModel.UNet(_folder);
        GoldenModel.WriteUNet(Path.Combine(_folder, "unet", only), dtype);
        KeepOnly("unet", only);

        using UNet2DConditionModel actual = ModelFolder.Open(_folder).LoadUNet();

        AssertEqual(expected, actual);
    }

    [Theory]
    [InlineData("diffusion_pytorch_model.safetensors")]
    [InlineData("diffusion_pytorch_model.bin")]
    public void Both_files_of_the_VAE_have_old_attention_names_and_give_the_same_network(string only)
    {
        using AutoencoderKL expected = GoldenModel.Vae(_folder);
        KeepOnly("vae", only);

        ModelFolder model = ModelFolder.Open(_folder);
        using AutoencoderKL actual = model.LoadVae();
        using IStateDictFile weights = model.OpenVae();

        AssertEqual(expected, actual);
        Assert.Contains("encoder.mid_block.attentions.0.to_out.0.weight", weights.Tensors.Keys);
        Assert.DoesNotContain("encoder.mid_block.attentions.0.proj_attn.weight", weights.Tensors.Keys);
    }

    [Theory]
    [InlineData("model.safetensors")]
    [InlineData("pytorch_model.bin")]
    public void Both_files_of_the_text_encoder_give_the_same_network(string only)
    {
        using BertTextEncoder expected = GoldenModel.TextEncoder(_folder);
        KeepOnly("text_encoder", only);

        using BertTextEncoder actual = ModelFolder.Open(_folder).LoadTextEncoder();

        AssertEqual(expected, actual);
    }

    [Fact]
    public void The_file_of_full_precision_is_taken_before_bin_and_variants()
    {
        foreach (string half in (string[])["diffusion_pytorch_model.bin", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.bf16.safetensors"])
        {
            GoldenModel.WriteUNet(Path.Combine(_folder, "unet", half), ScalarType.Float16);
        }

        string Chosen()
        {
            using IStateDictFile weights = ModelFolder.Open(_folder).OpenUNet();
            return Path.GetFileName(weights.Path);
        }

        Assert.Equal("diffusion_pytorch_model.safetensors", Chosen());
        File.Delete(Path.Combine(_folder, "unet", "diffusion_pytorch_model.safetensors"));
        Assert.Equal("diffusion_pytorch_model.bin", Chosen());
        File.Delete(Path.Combine(_folder, "unet", "diffusion_pytorch_model.bin"));
        Assert.Equal("diffusion_pytorch_model.fp16.safetensors", Chosen());
    }

    [Fact]
    public void Both_spellings_of_the_VAEs_scale_are_read()
    {
        string path = Path.Combine(_folder, "vae", "config.json");
        string config = File.ReadAllText(path);
        foreach (string name in (string[])["scaling_factor", "scale_factor"])
        {
            File.WriteAllText(path, config.Replace("{", $$"""{ "{{name}}": 0.25,""", StringComparison.Ordinal));
            Assert.Equal(0.25, ModelFolder.Open(_folder).VaeConfig.ScalingFactor);
        }
    }

    [Fact]
    public void Every_missing_part_is_named()
    {
        KeepOnly("unet", "config.json");
        File.Delete(Path.Combine(_folder, "tokenizer", "vocab.txt"));
        File.WriteAllText(Path.Combine(_folder, "taiyi.ckpt"), "");

        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Open(_folder)).Message;

        Assert.Contains("lacks unet/diffusion_pytorch_model.safetensors (or diffusion_pytorch_model.bin), tokenizer/vocab.txt.", message);
        Assert.Contains("'taiyi.ckpt'", message);
    }

    [Fact]
    public void A_path_without_a_model_and_a_download_cache_are_explained()
    {
        string empty = Directory.CreateDirectory(Path.Combine(_folder, "cache", "snapshots")).Parent!.FullName;

        Assert.Contains("snapshots", Assert.Throws<CheckpointException>(() => ModelFolder.Open(empty)).Message);
        Assert.Contains("no model at", Assert.Throws<CheckpointException>(() => ModelFolder.Open(Path.Combine(_folder, "nowhere"))).Message);
    }

    [Fact]
    public void Parts_of_two_models_are_refused()
    {
        File.Copy(Path.Combine(Repository.MiniModel, "text_encoder", "config.json"), Path.Combine(_folder, "text_encoder", "config.json"), overwrite: true);

        string message = Assert.Throws<CheckpointException>(() => ModelFolder.Open(_folder)).Message;

        Assert.Contains("cross_attention_dim 32", message);
    }

    [Fact]
    public void A_model_may_carry_its_own_defaults()
    {
        string path = Path.Combine(_folder, "taiyi.json");
        File.WriteAllText(path, """{ "guidance_scale": 2, "num_inference_steps": 25, "scheduler": "dpmpp_2m", "guidance_rescale": 0.7, "style": "" }""");
        Assert.Equal(new ModelDefaults(2, 25, "dpmpp_2m", 0.7, ""), ModelFolder.Open(_folder).Defaults);

        File.WriteAllText(path, """{ "guidance": 2 }""");
        Assert.Contains("guidance_scale", Assert.Throws<CheckpointException>(() => ModelFolder.Open(_folder)).Message);
    }

    private static void AssertEqual(nn.Module expected, nn.Module actual)
    {
        Dictionary<string, Tensor> actuals = actual.state_dict();
        Assert.All(expected.state_dict(), pair => Assert.True(pair.Value.Equals(actuals[pair.Key]), pair.Key));
    }

    private void KeepOnly(string part, string name)
    {
        foreach (string file in Directory.GetFiles(Path.Combine(_folder, part)).Where(file => Path.GetFileName(file) != name && !file.EndsWith("config.json", StringComparison.Ordinal)))
        {
            File.Delete(file);
        }
    }

    private static void CopyFolder(string source, string target)
    {
        foreach (string file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }
}
