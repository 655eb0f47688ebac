using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Tests.Models;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>Networks of some model's sizes with weights that cost no download: the golden formula, which keeps values near 1.</summary>
/// <remarks>The values of the weights change no time, as long as none overflows or becomes a denormal; shapes and dtype do.</remarks>
internal sealed record BenchmarkModel(string Name, BertConfig TextConfig, UNet2DConditionConfig UNetConfig, AutoencoderKLConfig VaeConfig)
{
    /// <summary>The sizes of IDEA-CCNL's Taiyi: 512 x 512 pixels, 512 tokens.</summary>
    public static BenchmarkModel FullSize { get; } = new(
        "full size",
        new BertConfig { VocabSize = 21128 },
        new UNet2DConditionConfig { CrossAttentionDim = 768, SampleSize = 64 },
        new AutoencoderKLConfig
        {
            BlockOutChannels = [128, 256, 512, 512],
            DownBlockTypes = [.. Enumerable.Repeat("DownEncoderBlock2D", 4)],
            UpBlockTypes = [.. Enumerable.Repeat("UpDecoderBlock2D", 4)],
            LayersPerBlock = 2,
            SampleSize = 512,
        });

    /// <summary>The small model of this repository: 128 x 128 pixels, 32 tokens.</summary>
    public static BenchmarkModel Mini => FromFolder("taiyi-mini", DefaultModel.Find());

    public int Tokens => TextConfig.MaxPositionEmbeddings;

    public int LatentSize => UNetConfig.SampleSize!.Value;

    public int ImageSize => LatentSize * VaeConfig.DownscaleFactor;

    /// <summary>The same networks for larger or smaller pictures.</summary>
    public BenchmarkModel WithImageSize(int pixels) => this with { UNetConfig = UNetConfig with { SampleSize = pixels / VaeConfig.DownscaleFactor } };

    public BertTextEncoder TextEncoder(ScalarType dtype) => Filled(type => new BertTextEncoder(TextConfig, CPU, type), dtype);

    public UNet2DConditionModel UNet(ScalarType dtype) => Filled(type => new UNet2DConditionModel(UNetConfig, CPU, type), dtype);

    public AutoencoderKL Vae(ScalarType dtype) => Filled(type => new AutoencoderKL(VaeConfig, CPU, type), dtype);

    /// <summary>The networks as a pipeline with PNDM; its tokenizer is taiyi-mini's, whatever the model.</summary>
    public StableDiffusionPipeline Pipeline(ScalarType dtype) => new(
        ModelFolder.Open(DefaultModel.Find()).LoadTokenizer(), TextEncoder(dtype), UNet(dtype), Vae(dtype));

    /// <summary>Token numbers (B, L) that are no padding.</summary>
    public Tensor Ids(int batch) => randint(1, TextConfig.VocabSize, [batch, Tokens], int64);

    /// <summary>Unit-variance latents (B, C, H, W).</summary>
    public Tensor Latents(int batch, ScalarType dtype) => randn(batch, UNetConfig.InChannels, LatentSize, LatentSize).to_type(dtype);

    /// <summary>Encoded captions (B, L, D).</summary>
    public Tensor Context(int batch, ScalarType dtype) => randn(batch, Tokens, TextConfig.HiddenSize).to_type(dtype);

    /// <summary>Pictures (B, 3, H, W).</summary>
    public Tensor Image(int batch, ScalarType dtype) => (rand(batch, 3, ImageSize, ImageSize) * 2 - 1).to_type(dtype);

    private static BenchmarkModel FromFolder(string name, string path)
    {
        ModelFolder folder = ModelFolder.Open(path);
        return new BenchmarkModel(name, folder.TextEncoderConfig, folder.UNetConfig, folder.VaeConfig);
    }

    // The formula is for float32; other types take their weights from a float32 network.
    private static T Filled<T>(Func<ScalarType, T> build, ScalarType dtype)
        where T : nn.Module
    {
        T filled = build(float32);
        FormulaWeights.Fill(filled, key => key);
        if (dtype == float32)
        {
            return filled;
        }

        T converted = build(dtype);
        foreach ((var to, var from) in converted.parameters().Zip(filled.parameters()))
        {
            to.copy_(from);
        }

        filled.Dispose();
        return converted;
    }
}
