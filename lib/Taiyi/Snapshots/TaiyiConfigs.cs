using Taiyi.Models;

namespace Taiyi.Snapshots;

/// <summary>The sizes of IDEA-CCNL/Taiyi-Stable-Diffusion-1B-Chinese-v0.1: for its <c>.ckpt</c>, which carries none, and to compare with.</summary>
public static class TaiyiConfigs
{
    /// <summary>859.5 million parameters: that of Stable Diffusion v1.</summary>
    public static UNet2DConditionConfig UNet { get; } = new() { SampleSize = 64, CrossAttentionDim = 768 };

    /// <summary>Pictures of 512 x 512 to latents of 64 x 64.</summary>
    public static AutoencoderKLConfig Vae { get; } = new()
    {
        BlockOutChannels = [128, 256, 512, 512],
        DownBlockTypes = ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
        UpBlockTypes = ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
        LayersPerBlock = 2,
        SampleSize = 512,
    };

    /// <summary>Twelve layers of width 768, the vocabulary of hfl/chinese-roberta-wwm-ext.</summary>
    public static BertConfig TextEncoder { get; } = new() { VocabSize = 21128 };
}
