using Taiyi.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>The networks at the sizes of IDEA-CCNL's Taiyi, with weights that cost no download: small seeded noise.</summary>
/// <remarks>Values change no time, as long as none is a denormal or NaN; shapes and dtype do.</remarks>
internal static class FullSizeModel
{
    public static UNet2DConditionConfig UNetConfig { get; } = new() { CrossAttentionDim = 768, SampleSize = 64 };

    public static AutoencoderKLConfig VaeConfig { get; } = new()
    {
        BlockOutChannels = [128, 256, 512, 512],
        DownBlockTypes = [.. Enumerable.Repeat("DownEncoderBlock2D", 4)],
        UpBlockTypes = [.. Enumerable.Repeat("UpDecoderBlock2D", 4)],
        LayersPerBlock = 2,
        SampleSize = 512,
    };

    public static BertConfig TextConfig { get; } = new();

    public static UNet2DConditionModel UNet(ScalarType dtype) => Filled(new UNet2DConditionModel(UNetConfig, CPU, dtype));

    public static AutoencoderKL Vae(ScalarType dtype) => Filled(new AutoencoderKL(VaeConfig, CPU, dtype));

    public static BertTextEncoder TextEncoder(ScalarType dtype) => Filled(new BertTextEncoder(TextConfig, CPU, dtype));

    private static T Filled<T>(T network)
        where T : nn.Module
    {
        using IDisposable noGrad = no_grad();
        using Generator generator = new(1);
        foreach (nn.Module layer in network.modules())
        {
            foreach ((string name, Modules.Parameter parameter) in layer.named_parameters(recurse: false))
            {
                // One block of noise, repeated: 860 million draws would take longer than the measurement.
                using var scope = NewDisposeScope();
                Tensor flat = parameter.flatten();
                Tensor noise = randn(Math.Min(flat.numel(), 1 << 16), generator: generator).mul(0.02).to(parameter.dtype);
                foreach (Tensor piece in flat.split(1 << 16))
                {
                    piece.copy_(noise[..(int)piece.numel()]);
                }

                if (parameter.dim() == 1 && name == "weight")
                {
                    parameter.fill_(1);
                }
            }
        }

        return network;
    }
}
