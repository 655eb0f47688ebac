using Taiyi.Models;

namespace Taiyi.Checkpoints;

/// <summary>The sizes of IDEA-CCNL/Taiyi-Stable-Diffusion-1B-Chinese-v0.1, for its <c>.ckpt</c>, which carries none.</summary>
internal static class TaiyiConfigs
{
    public static UNet2DConditionConfig UNet { get; } = new() { SampleSize = 64, CrossAttentionDim = 768 };

    public static AutoencoderKLConfig Vae { get; } = new()
    {
        BlockOutChannels = [128, 256, 512, 512],
        DownBlockTypes = ["DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D"],
        UpBlockTypes = ["UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"],
        LayersPerBlock = 2,
        SampleSize = 512,
    };

    public static BertConfig TextEncoder { get; } = new() { VocabSize = 21128 };
}
