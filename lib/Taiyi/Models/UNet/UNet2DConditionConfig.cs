using System.Text.Json.Serialization;
using Taiyi.Files;

namespace Taiyi.Models;

/// <summary>Sizes of a <see cref="UNet2DConditionModel"/>, as its <c>unet/config.json</c> gives them.</summary>
/// <remarks>The defaults are those of diffusers: they hold for fields that an old file lacks.</remarks>
public sealed record UNet2DConditionConfig
{
    /// <summary>Side of the latents that the model was trained on, before the VAE's factor: 64 for pictures of 512 pixels.</summary>
    public int? SampleSize { get; init; }

    /// <summary>Channels of the latents.</summary>
    public int InChannels { get; init; } = 4;

    /// <summary>Channels of the prediction.</summary>
    public int OutChannels { get; init; } = 4;

    /// <summary>Kind of each block on the way down: <c>CrossAttnDownBlock2D</c> or <c>DownBlock2D</c>.</summary>
    public IReadOnlyList<string> DownBlockTypes { get; init; } = ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"];

    /// <summary>Kind of each block on the way up: <c>CrossAttnUpBlock2D</c> or <c>UpBlock2D</c>, the smallest size first.</summary>
    public IReadOnlyList<string> UpBlockTypes { get; init; } = ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"];

    /// <summary>Channels of each block down, each a multiple of <see cref="NormNumGroups"/> and <see cref="NumAttentionHeads"/>.</summary>
    public IReadOnlyList<int> BlockOutChannels { get; init; } = [320, 640, 1280, 1280];

    /// <summary>Resnets of a block down; a block up has one more.</summary>
    public int LayersPerBlock { get; init; } = 2;

    /// <summary>Heads of every attention. The file calls it <c>attention_head_dim</c>, a misnomer kept for old files.</summary>
    [JsonPropertyName("attention_head_dim")]
    public int NumAttentionHeads { get; init; } = 8;

    /// <summary>Width of a token of the encoded caption.</summary>
    public int CrossAttentionDim { get; init; } = 1280;

    /// <summary>Groups of every group norm.</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>ε of the group norms in resnets and before the last convolution.</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>Width of the time embedding, four times the first block's channels.</summary>
    [JsonIgnore]
    public int TimeEmbedDim => 4 * BlockOutChannels[0];

    /// <summary>Reads and checks a <c>config.json</c>.</summary>
    /// <exception cref="CheckpointException">The file is no such config, or asks for something this family does not use.</exception>
    public static UNet2DConditionConfig FromFile(string path)
    {
        ConfigFile file = ConfigFile.Open(path);
        file.Require("""{"act_fn": "silu", "center_input_sample": false, "flip_sin_to_cos": true, "freq_shift": 0}""");
        file.Require("""{"downsample_padding": 1, "mid_block_scale_factor": 1, "mid_block_type": "UNetMidBlock2DCrossAttn"}""");
        file.Require("""{"conv_in_kernel": 3, "conv_out_kernel": 3, "dropout": 0, "attention_type": "default"}""");
        file.Require("""{"use_linear_projection": false, "only_cross_attention": false, "dual_cross_attention": false}""");
        file.Require("""{"upcast_attention": false, "transformer_layers_per_block": 1, "cross_attention_norm": null}""");
        file.Require("""{"num_attention_heads": null, "reverse_transformer_layers_per_block": null}""");
        file.Require("""{"resnet_time_scale_shift": "default", "resnet_skip_time_act": false, "resnet_out_scale_factor": 1}""");
        file.Require("""{"time_embedding_type": "positional", "time_embedding_dim": null, "time_embedding_act_fn": null}""");
        file.Require("""{"timestep_post_act": null, "time_cond_proj_dim": null}""");
        file.Require("""{"class_embed_type": null, "num_class_embeds": null, "class_embeddings_concat": false}""");
        file.Require("""{"addition_embed_type": null, "encoder_hid_dim": null, "encoder_hid_dim_type": null}""");

        var config = file.Deserialize<UNet2DConditionConfig>();
        int blocks = config.BlockOutChannels.Count;
        file.Check("block_out_channels", blocks > 0, "has at least one block");
        file.Check("down_block_types", config.DownBlockTypes.All(type => type is "CrossAttnDownBlock2D" or "DownBlock2D"), "holds CrossAttnDownBlock2D and DownBlock2D");
        file.Check("up_block_types", config.UpBlockTypes.All(type => type is "CrossAttnUpBlock2D" or "UpBlock2D"), "holds CrossAttnUpBlock2D and UpBlock2D");
        file.Check("down_block_types", config.DownBlockTypes.Count == blocks, $"has {blocks} entries, as block_out_channels");
        file.Check("up_block_types", config.UpBlockTypes.Count == blocks, $"has {blocks} entries, as block_out_channels");
        file.Check("layers_per_block", config.LayersPerBlock > 0, "is at least 1");
        file.Check("attention_head_dim", config.NumAttentionHeads > 0, "is at least 1");
        file.Check("norm_num_groups", config.NormNumGroups > 0, "is at least 1");
        file.Check("in_channels", config.InChannels > 0, "is at least 1");
        file.Check("out_channels", config.OutChannels > 0, "is at least 1");
        file.Check("cross_attention_dim", config.CrossAttentionDim > 0, "is at least 1");
        file.Check("norm_eps", config.NormEps > 0, "is positive");
        file.Check("block_out_channels", config.BlockOutChannels.All(c => c > 0 && c % config.NormNumGroups == 0), $"holds multiples of norm_num_groups, {config.NormNumGroups}");
        file.Check("block_out_channels", config.BlockOutChannels.All(c => c % config.NumAttentionHeads == 0), $"holds multiples of attention_head_dim, the number of heads, {config.NumAttentionHeads}");
        return config;
    }
}
