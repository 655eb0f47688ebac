using System.Text.Json.Nodes;
using Taiyi.Files;
using Taiyi.Models;

namespace Taiyi.Tests.Models;

public sealed class ConfigTests
{
    [Fact]
    public void Sizes_come_from_the_file()
    {
        var unet = UNet2DConditionConfig.FromFile(Path.Combine(Repository.MiniModel, "unet", "config.json"));
        Assert.Equal([64, 128, 192], unet.BlockOutChannels);
        Assert.Equal(["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"], unet.DownBlockTypes);
        Assert.Equal((4, 192, 1, 16), (unet.NumAttentionHeads, unet.CrossAttentionDim, unet.LayersPerBlock, unet.SampleSize));

        var vae = AutoencoderKLConfig.FromFile(Path.Combine(Repository.MiniModel, "vae", "config.json"));
        Assert.Equal((8, 8, 8, 128, 0.52149), (vae.DownscaleFactor, vae.LatentChannels, vae.NormNumGroups, vae.SampleSize, vae.ScalingFactor));

        var bert = BertConfig.FromFile(Path.Combine(Repository.MiniModel, "text_encoder", "config.json"));
        Assert.Equal((4038, 192, 3, 4, 768, 32), (bert.VocabSize, bert.HiddenSize, bert.NumHiddenLayers, bert.NumAttentionHeads, bert.IntermediateSize, bert.MaxPositionEmbeddings));
    }

    [Theory]
    [InlineData("{}", 0.18215)] // as in Taiyi's first files
    [InlineData("""{"scaling_factor": 0.5}""", 0.5)]
    [InlineData("""{"scale_factor": 0.25}""", 0.25)]
    public void The_scaling_factor_has_two_spellings_and_a_default(string fields, double expected)
    {
        using ChangedConfig changed = new("vae", fields);

        Assert.Equal(expected, AutoencoderKLConfig.FromFile(changed.Path).ScalingFactor);
    }

    [Theory]
    [InlineData("use_linear_projection", "true")]
    [InlineData("act_fn", "\"gelu\"")]
    [InlineData("class_embed_type", "\"timestep\"")]
    [InlineData("freq_shift", "1")]
    [InlineData("down_block_types", "[\"CrossAttnDownBlock2D\",\"AttnDownBlock2D\"]")]
    [InlineData("up_block_types", "[\"UpBlock2D\"]")]
    [InlineData("block_out_channels", "[32,72]")] // no multiple of 32 groups
    [InlineData("attention_head_dim", "5")]
    [InlineData("attention_head_dim", "[5,10]")]
    [InlineData("layers_per_block", "\"two\"")]
    [InlineData("cross_attention_dim", "0")]
    [InlineData("transformer_layers_per_block", "[1,2]")]
    public void A_UNet_of_another_kind_is_refused_by_field_value_and_file(string field, string value)
    {
        using ChangedConfig changed = new("unet", $"{{\"{field}\": {value}}}");

        var error = Assert.Throws<CheckpointException>(() => UNet2DConditionConfig.FromFile(changed.Path));

        Assert.Contains(changed.Path, error.Message);
        string named = field == "attention_head_dim" && value == "5" ? "block_out_channels" : field; // the channels are no multiple of it
        Assert.Contains($"'{named}'", error.Message);
        Assert.Contains(value, error.Message);
    }

    [Theory]
    [InlineData("act_fn", "\"relu\"")]
    [InlineData("use_quant_conv", "false")]
    [InlineData("mid_block_add_attention", "false")]
    [InlineData("shift_factor", "0.1")]
    [InlineData("up_block_types", "[\"UpDecoderBlock2D\",\"AttnUpDecoderBlock2D\"]")]
    [InlineData("norm_num_groups", "0")]
    public void A_VAE_of_another_kind_is_refused_by_field_value_and_file(string field, string value)
    {
        using ChangedConfig changed = new("vae", $"{{\"{field}\": {value}}}");

        var error = Assert.Throws<CheckpointException>(() => AutoencoderKLConfig.FromFile(changed.Path));

        Assert.Contains(changed.Path, error.Message);
        Assert.Contains($"'{field}'", error.Message);
        Assert.Contains(value, error.Message);
    }

    [Theory]
    [InlineData("hidden_act", "\"gelu_new\"")]
    [InlineData("position_embedding_type", "\"relative_key\"")]
    [InlineData("model_type", "\"clip_text_model\"")]
    [InlineData("hidden_size", "33")] // no multiple of 4 heads
    [InlineData("is_decoder", "true")]
    public void A_text_encoder_of_another_kind_is_refused_by_field_value_and_file(string field, string value)
    {
        using ChangedConfig changed = new("text_encoder", $"{{\"{field}\": {value}}}");

        var error = Assert.Throws<CheckpointException>(() => BertConfig.FromFile(changed.Path));

        Assert.Contains(changed.Path, error.Message);
        Assert.Contains($"'{field}'", error.Message);
        Assert.Contains(value, error.Message);
    }

    [Theory]
    [InlineData("{\"act_fn\": ", "not valid JSON")]
    [InlineData("[1, 2]", "Array")]
    public void A_file_that_is_no_config_is_refused_by_its_path(string content, string expected)
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, content);

        var error = Assert.Throws<CheckpointException>(() => UNet2DConditionConfig.FromFile(path));
        File.Delete(path);

        Assert.Contains(path, error.Message);
        Assert.Contains(expected, error.Message);
        Assert.Contains(path, Assert.Throws<CheckpointException>(() => UNet2DConditionConfig.FromFile(path)).Message); // and a missing one
    }

    [Fact]
    public void Unknown_fields_and_required_values_in_another_notation_pass()
    {
        using ChangedConfig changed = new("unet", """{"a_field_of_2030": {"x": 1}, "mid_block_scale_factor": 1.0, "dropout": 0.0}""");

        Assert.Equal(8, UNet2DConditionConfig.FromFile(changed.Path).NumAttentionHeads);
    }

    /// <summary>A config of tiny-taiyi with some fields set, in a temporary file.</summary>
    private sealed class ChangedConfig : IDisposable
    {
        public ChangedConfig(string network, string fields)
        {
            JsonObject config = JsonNode.Parse(File.ReadAllText(Repository.Golden($"tiny-taiyi/{network}/config.json")))!.AsObject();
            foreach (var (name, value) in JsonNode.Parse(fields)!.AsObject())
            {
                config[name] = value?.DeepClone();
            }

            File.WriteAllText(Path, config.ToJsonString());
        }

        public string Path { get; } = System.IO.Path.GetTempFileName();

        public void Dispose() => File.Delete(Path);
    }
}
