using System.Text.Json.Serialization;
using Taiyi.Files;

namespace Taiyi.Models;

/// <summary>Sizes of an <see cref="AutoencoderKL"/>, as its <c>vae/config.json</c> gives them.</summary>
/// <remarks>The defaults are those of diffusers: they hold for fields that an old file lacks.</remarks>
public sealed record AutoencoderKLConfig
{
    /// <summary>Channels of a picture.</summary>
    public int InChannels { get; init; } = 3;

    /// <summary>Channels of a decoded picture.</summary>
    public int OutChannels { get; init; } = 3;

    /// <summary>Channels of each resolution, the full one first; all but the last halve the side.</summary>
    public IReadOnlyList<int> BlockOutChannels { get; init; } = [64];

    /// <summary>Kind of each block of the encoder: <c>DownEncoderBlock2D</c>.</summary>
    public IReadOnlyList<string> DownBlockTypes { get; init; } = ["DownEncoderBlock2D"];

    /// <summary>Kind of each block of the decoder: <c>UpDecoderBlock2D</c>.</summary>
    public IReadOnlyList<string> UpBlockTypes { get; init; } = ["UpDecoderBlock2D"];

    /// <summary>Resnets of a block of the encoder; a block of the decoder has one more.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Channels of the latents.</summary>
    public int LatentChannels { get; init; } = 4;

    /// <summary>Groups of every group norm.</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>Side of the pictures that the model was trained on, in pixels.</summary>
    public int SampleSize { get; init; } = 32;

    /// <summary>Brings latents to unit variance for the UNet: multiply after encoding, divide before decoding.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>Pixels of the picture's side for one of the latents' side: 8 for four resolutions.</summary>
    [JsonIgnore]
    public int DownscaleFactor => 1 << (BlockOutChannels.Count - 1);

    /// <summary>Reads and checks a <c>config.json</c>. Files of Taiyi spell the scale <c>scale_factor</c>, or leave it out.</summary>
    /// <exception cref="CheckpointException">The file is no such config, or asks for something this family does not use.</exception>
    public static AutoencoderKLConfig FromFile(string path)
    {
        ConfigFile file = ConfigFile.Open(path);
        file.Require("""{"act_fn": "silu", "mid_block_add_attention": true, "use_quant_conv": true, "use_post_quant_conv": true}""");
        file.Require("""{"shift_factor": null, "latents_mean": null, "latents_std": null}""");

        var config = file.Deserialize<AutoencoderKLConfig>();
        config = file.Deserialize<OldScale>().ScaleFactor is double scale ? config with { ScalingFactor = scale } : config;
        int blocks = config.BlockOutChannels.Count;
        file.Check("block_out_channels", blocks > 0, "has at least one block");
        file.Check("down_block_types", config.DownBlockTypes.All(type => type == "DownEncoderBlock2D"), "holds DownEncoderBlock2D alone");
        file.Check("up_block_types", config.UpBlockTypes.All(type => type == "UpDecoderBlock2D"), "holds UpDecoderBlock2D alone");
        file.Check("down_block_types", config.DownBlockTypes.Count == blocks, $"has {blocks} entries, as block_out_channels");
        file.Check("up_block_types", config.UpBlockTypes.Count == blocks, $"has {blocks} entries, as block_out_channels");
        file.Check("layers_per_block", config.LayersPerBlock > 0, "is at least 1");
        file.Check("norm_num_groups", config.NormNumGroups > 0, "is at least 1");
        file.Check("in_channels", config.InChannels > 0, "is at least 1");
        file.Check("out_channels", config.OutChannels > 0, "is at least 1");
        file.Check("latent_channels", config.LatentChannels > 0, "is at least 1");
        file.Check("block_out_channels", config.BlockOutChannels.All(c => c > 0 && c % config.NormNumGroups == 0), $"holds multiples of norm_num_groups, {config.NormNumGroups}");
        file.Check("scaling_factor", config.ScalingFactor > 0, "is positive");
        return config;
    }

    private sealed record OldScale(double? ScaleFactor);
}
