using Taiyi.Cpu;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Training;

namespace Taiyi.Workshop.Pretraining;

/// <summary>How a training on a stream of pictures goes: what VAE, diffusion and distillation have in common beyond every training's options.</summary>
public abstract record PretrainingOptions : TrainingOptions
{
    /// <summary>Takes what suits the training of a whole network.</summary>
    protected PretrainingOptions()
    {
        (WarmupSteps, WeightDecay, AdamBeta2, EmaDecay) = (200, 0, 0.99, 0.999);
        (SampleEvery, CheckpointEvery) = (1000, 500);
        DType = NativeBFloat16.IsSupported ? "BFloat16" : "Float32";
    }

    /// <summary>The pictures.</summary>
    public required PretrainingData Data { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Check(Steps > 0, "number of steps", Steps, "1 or more");
        Check(DType is "Float32" or "BFloat16", "dtype", DType, "Float32 or BFloat16");
        Check(Data.Size > 0, "picture size", Data.Size, "1 or more");
    }
}

/// <summary>How a VAE is trained. The defaults take 64 pixels to 16 x 16 latents of 4 channels, in half an hour of two CPU cores.</summary>
public sealed record VaePretrainingOptions : PretrainingOptions
{
    /// <summary>Takes the recipe for a small model.</summary>
    public VaePretrainingOptions()
    {
        (Steps, BatchSize, LearningRate) = (2800, 8, 1e-3);
    }

    /// <summary>Sizes of the network; its scaling factor is measured at the end.</summary>
    public AutoencoderKLConfig Vae { get; init; } = VaeOf(32, 64, 128);

    /// <summary>
    /// Folder of a VAE whose weights the training begins with wherever they fit, also one of fewer resolutions or other latents:
    /// see <see cref="WarmStart"/>. Null for random weights.
    /// </summary>
    public string? InitialVae { get; init; }

    /// <summary>Pictures beside <see cref="PretrainingOptions.Data"/>, such as those of styles: folders with captions. Every so many-th is held out of them too.</summary>
    public IReadOnlyList<PretrainingData> Others { get; init; } = [];

    /// <summary>The share of <see cref="Others"/> in the pictures of a step, 0 to 1.</summary>
    public double OthersShare { get; init; } = 0.25;

    /// <summary>
    /// Above 0 the decoder alone is trained, on latents with noise: each picture's are disturbed by a normal noise whose deviation is
    /// drawn evenly from 0 to this share of the latents' own. Latents that a UNet draws are never quite those of a picture, and such a
    /// decoder still makes even grounds of them; latents mean what they meant, to UNets and LoRAs too. 0 trains both ends.
    /// </summary>
    public double DecoderNoise { get; init; }

    /// <summary>What the terms of the loss are multiplied by.</summary>
    public VaeLossWeights Weights { get; init; } = new();

    /// <summary>Every so many-th original is never trained on: the reconstruction is measured on those.</summary>
    public int HoldOutEvery { get; init; } = 25;

    /// <summary>The VAE of taiyi-mini with other channels, a number for each resolution; every one after the first halves the side.</summary>
    public static AutoencoderKLConfig VaeOf(params int[] channels) => new()
    {
        BlockOutChannels = channels,
        DownBlockTypes = [.. channels.Select(_ => "DownEncoderBlock2D")],
        UpBlockTypes = [.. channels.Select(_ => "UpDecoderBlock2D")],
        NormNumGroups = 8,
        SampleSize = 64,
    };

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Check(OthersShare is >= 0 and <= 1, "share of the other pictures", OthersShare, "from 0 to 1");
        Check(DecoderNoise >= 0, "decoder's noise", DecoderNoise, "0 or more");
        Check(DecoderNoise == 0 || InitialVae is not null, "first VAE", InitialVae, "a folder, whose encoder stays, where the decoder alone is trained");
        Check(DecoderNoise == 0 || DType == "Float32", "dtype", DType, "Float32 where the encoder has to stay to the bit");
        Check(HoldOutEvery > 1, "interval of held-out pictures", HoldOutEvery, "2 or more");
        Check(Data.Size % Vae.DownscaleFactor == 0, "picture size", Data.Size, $"a multiple of the VAE's factor, {Vae.DownscaleFactor}");
        Check(Vae.BlockOutChannels.All(c => c > 0 && c % Vae.NormNumGroups == 0), "VAE's channels", string.Join(", ", Vae.BlockOutChannels), $"multiples of {Vae.NormNumGroups}");
    }
}

/// <summary>How text encoder and UNet are trained together. The defaults make a small model in some hours of two CPU cores.</summary>
public sealed record DiffusionPretrainingOptions : PretrainingOptions
{
    /// <summary>Takes the recipe for a small model.</summary>
    public DiffusionPretrainingOptions()
    {
        (Steps, BatchSize, LearningRate, WeightDecay) = (12000, 32, 8e-4, 0.01);
        (SnrGamma, CaptionDropout, NoiseOffset) = (5, 0.1, 0.1);
        SamplePrompts =
        [
            "一只狮子，卡通风格", "一只小猫", "一只狗，扁平风格", "苹果", "一份汉堡，简约风格", "火箭，卡通风格", "一个足球", "笑脸，卡通风格",
            "一只猫头鹰，扁平风格，粉色背景", "一栋房子", "一只红色的鸟", "一只蓝色的狮子", "两棵树", "雪人，卡通风格，暖色调，科技感", "一辆汽车，蓝色渐变背景", "熊猫，小，左边",
        ];
    }

    /// <summary>Folder of the VAE: <c>config.json</c> and <c>diffusion_pytorch_model.safetensors</c>.</summary>
    public required string VaeFolder { get; init; }

    /// <summary>
    /// Model that the training begins with: its text encoder, UNet, vocabulary and noise schedule are taken in place of the sizes
    /// named here, and it must stay there until the training ends. Where the VAE has other latents than the model's own, the
    /// UNet's first and last convolution begin anew. Null for random weights.
    /// </summary>
    public string? InitialModel { get; init; }

    /// <summary>Sizes of the UNet.</summary>
    public UNet2DConditionConfig UNet { get; init; } = UNetOf(192, 64, 128, 192);

    /// <summary>Sizes of the text encoder; the vocabulary's is that of the data.</summary>
    public BertConfig TextEncoder { get; init; } = TextEncoderOf(192, 3);

    /// <summary>The noise schedule, Stable Diffusion's own.</summary>
    public SchedulerConfig Scheduler { get; init; } = new();

    /// <summary>How often the latents of a variation are used, each time with other noise and another caption: encoding costs as much as a step.</summary>
    public int LatentReuse { get; init; } = 4;

    /// <summary>taiyi-mini's UNet in other widths, a number for each resolution: attention from the second one on, where it is cheap.</summary>
    /// <param name="contextWidth">Width of the text encoder.</param>
    /// <param name="channels">Multiples of 32, the full latents first.</param>
    public static UNet2DConditionConfig UNetOf(int contextWidth, params int[] channels) => new()
    {
        SampleSize = 16,
        BlockOutChannels = channels,
        DownBlockTypes = [.. channels.Select((_, i) => i == 0 ? "DownBlock2D" : "CrossAttnDownBlock2D")],
        UpBlockTypes = [.. channels.Select((_, i) => i == channels.Length - 1 ? "UpBlock2D" : "CrossAttnUpBlock2D")],
        LayersPerBlock = 1,
        NumAttentionHeads = 4,
        CrossAttentionDim = contextWidth,
    };

    /// <summary>taiyi-mini's text encoder in another width and depth.</summary>
    /// <param name="width">A multiple of 4, the number of heads.</param>
    /// <param name="layers">1 or more.</param>
    public static BertConfig TextEncoderOf(int width, int layers) => new()
    {
        HiddenSize = width,
        NumHiddenLayers = layers,
        NumAttentionHeads = 4,
        IntermediateSize = 4 * width,
        MaxPositionEmbeddings = CaptionComposer.MaxCharacters + 2,
    };

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Check(LatentReuse > 0, "reuse of latents", LatentReuse, "1 or more");
        Check(UNet.CrossAttentionDim == TextEncoder.HiddenSize, "UNet's context width", UNet.CrossAttentionDim, $"the text encoder's, {TextEncoder.HiddenSize}");
        Check(UNet.BlockOutChannels.All(c => c > 0 && c % UNet.NormNumGroups == 0), "UNet's channels", string.Join(", ", UNet.BlockOutChannels), $"multiples of {UNet.NormNumGroups}");
        Check(TextEncoder.HiddenSize % TextEncoder.NumAttentionHeads == 0, "text encoder's width", TextEncoder.HiddenSize, $"a multiple of {TextEncoder.NumAttentionHeads}");
    }
}
