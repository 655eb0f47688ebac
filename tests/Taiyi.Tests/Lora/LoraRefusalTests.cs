using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Lora;

/// <summary>Files that do not fit, and what the user is told.</summary>
[NoTensorLeak]
public sealed class LoraRefusalTests : IDisposable
{
    private const string Module = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
    private const string Down = $"unet.{Module}.lora.down.weight";
    private const string Up = $"unet.{Module}.lora.up.weight";
    private readonly string _folder = Directory.CreateTempSubdirectory("lora").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_LoRA_of_another_base_is_refused_with_its_first_misfit_and_the_UNet_stays_as_it_was()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = TinyUNet.Load();
        Tensor before = TinyUNet.Run(unet);
        string path = Write((Down, [4, 320]), (Up, [320, 4]));
        string message = Assert.Throws<CheckpointException>(() => LoraAdapter.Load(unet, path)).Message;
        Assert.Contains(Down, message);
        Assert.Contains(TensorInfo.FormatShape([4, 320]), message);
        Assert.Contains(TensorInfo.FormatShape([4, 64]), message);
        Assert.True(TinyUNet.SameBits(before, TinyUNet.Run(unet)));
    }

    [Fact]
    public void Keys_that_fit_nothing_are_listed()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        const string textEncoder = "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight";
        const string elsewhere = "lora_unet_down_blocks_3_attentions_0_transformer_blocks_0_attn1_to_q"; // the tiny UNet has two blocks
        string kohya = "lora_unet_" + Module.Replace('.', '_');
        string path = Write(
            (textEncoder, [4, 768]),
            (kohya + ".lora_down.weight", [4, 64]),
            (kohya + ".lora_up.weight", [64, 4]),
            (elsewhere + ".lora_down.weight", [4, 64]),
            (elsewhere + ".lora_up.weight", [64, 4]));
        using LoraAdapter adapter = LoraAdapter.Load(unet, path);
        Assert.Equal([Module], adapter.Layers.Keys);
        Assert.Equal([textEncoder, elsewhere + ".lora_down.weight", elsewhere + ".lora_up.weight"], adapter.UnmatchedKeys);
    }

    [Fact]
    public void A_file_without_a_key_that_fits_is_told_the_formats_that_are_known()
    {
        string path = Write(("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", [4, 768]));
        string message = Assert.Throws<CheckpointException>(() => LoraFile.Read(path)).Message;
        Assert.Contains("lora_te_text_model", message);
        Assert.Contains("kohya", message);
        Assert.Contains("PEFT", message);
    }

    [Fact]
    public void A_LoRA_whose_modules_this_UNet_lacks_is_refused()
    {
        using UNet2DConditionModel unet = TinyUNet.Load();
        string path = Write(("unet.down_blocks.3.resnets.9.time_emb_proj.lora.down.weight", [4, 8]), ("unet.down_blocks.3.resnets.9.time_emb_proj.lora.up.weight", [8, 4]));
        Assert.Contains("down_blocks.3.resnets.9", Assert.Throws<CheckpointException>(() => LoraAdapter.Load(unet, path)).Message);
    }

    [Fact]
    public void Half_a_pair_is_refused() =>
        Assert.Contains(Down, Assert.Throws<CheckpointException>(() => LoraFile.Read(Write((Down, [4, 64])))).Message);

    [Fact]
    public void Two_ranks_in_one_pair_are_refused() =>
        Assert.Contains(Up, Assert.Throws<CheckpointException>(() => LoraFile.Read(Write((Down, [4, 64]), (Up, [64, 5])))).Message);

    [Theory]
    [InlineData($"unet.{Module}.lora_magnitude_vector_2")]
    [InlineData("lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q.hada_w1_a")]
    public void Adapters_of_another_kind_are_refused(string key) =>
        Assert.Contains(key, Assert.Throws<CheckpointException>(() => LoraFile.Read(Write((Down, [4, 64]), (Up, [64, 4]), (key, [64])))).Message);

    [Fact]
    public void One_matrix_under_two_names_is_refused() =>
        Assert.Contains("twice", Assert.Throws<CheckpointException>(
            () => LoraFile.Read(Write((Down, [4, 64]), (Up, [64, 4]), ($"unet.{Module}.lora_A.weight", [4, 64])))).Message);

    [Theory]
    [InlineData("{\"unet.r\": 8, \"unet.lora_alpha\":")]
    [InlineData("[1]")]
    [InlineData("{\"unet.r\": 8, \"unet.lora_alpha\": \"many\"}")]
    [InlineData("{\"unet.r\": 8, \"unet.alpha_pattern\": {\"((\": 3}}")]
    public void Metadata_that_is_no_settings_is_refused(string json) =>
        Assert.Contains("LoRA settings", Assert.Throws<CheckpointException>(() => LoraFile.Read(WriteWith(json, (Down, [4, 64]), (Up, [64, 4])))).Message);

    [Theory]
    [InlineData("{\"unet.r\": 4, \"unet.lora_alpha\": 6}", 6)]
    [InlineData("{\"unet.r\": 4, \"unet.lora_alpha\": 6, \"unet.alpha_pattern\": {\"attn1.to_q\": 3}}", 3)]
    [InlineData("{\"unet.r\": 4, \"unet.lora_alpha\": 6, \"unet.alpha_pattern\": {\"n1.to_q\": 3}}", 6)] // whole parts only
    [InlineData("{\"unet.r\": 4, \"unet.lora_alpha\": 6, \"unet.use_rslora\": true}", 12)] // 6 / sqrt(4) = 12 / 4
    [InlineData("{\"text_encoder.r\": 4, \"text_encoder.lora_alpha\": 6}", 4)]
    public void Alpha_follows_the_metadata(string json, double alpha)
    {
        using LoraFile file = LoraFile.Read(WriteWith(json, (Down, [4, 64]), (Up, [64, 4])));
        Assert.Equal(alpha, file.Modules[Module].Alpha);
    }

    // 不 is 0xb2 0xbb in GBK, which is no UTF-8.
    [Fact]
    public void Settings_beside_the_weights_are_read_in_the_encoding_of_their_mark_or_refused_by_their_name()
    {
        File.Copy(Repository.Golden("lora/peft/adapter_model.safetensors"), Path.Combine(_folder, "adapter_model.safetensors"));
        string settings = Path.Combine(_folder, "adapter_config.json"), json = File.ReadAllText(Repository.Golden("lora/peft/adapter_config.json"));
        File.WriteAllText(settings, json, System.Text.Encoding.Unicode);
        using (LoraFile file = LoraFile.Read(_folder))
        {
            Assert.Equal(16, file.Config.Alpha);
            Assert.Empty(file.Warnings);
        }

        File.WriteAllBytes(settings, [.. System.Text.Encoding.UTF8.GetBytes("{\"r\": 8, \"lora_alpha\": 16, \"base_model_name_or_path\": \""), 0xb2, 0xbb, .. "\"}"u8]);
        Assert.Contains("adapter_config.json' line 1", Assert.Throws<CheckpointException>(() => LoraFile.Read(_folder)).Message);
    }

    [Fact]
    public void An_empty_folder_names_the_files_that_are_looked_for() =>
        Assert.Contains(LoraFile.DefaultFileName, Assert.Throws<CheckpointException>(() => LoraFile.Read(_folder)).Message);

    [Fact]
    public void A_format_that_cannot_hold_a_module_writes_nothing()
    {
        using LoraFile file = LoraFile.Read(Write(("unet.mid_block.attentions.0.proj_in.lora.down.weight", [4, 64]), ("unet.mid_block.attentions.0.proj_in.lora.up.weight", [64, 4])));
        string target = Path.Combine(_folder, "old.safetensors");
        Assert.Contains("proj_in", Assert.Throws<ArgumentException>(() => LoraFile.Write(target, file, LoraFormat.OldDiffusers)).Message);
        Assert.False(File.Exists(target));
    }

    private string Write(params (string Name, long[] Shape)[] tensors) => WriteWith(null, tensors);

    private string WriteWith(string? metadata, params (string Name, long[] Shape)[] tensors)
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, Guid.NewGuid() + ".safetensors");
        SafetensorsFile.Write(
            path,
            tensors.Select(t => KeyValuePair.Create(t.Name, zeros(t.Shape))),
            metadata is null ? null : new Dictionary<string, string> { ["lora_adapter_metadata"] = metadata });
        return path;
    }
}
