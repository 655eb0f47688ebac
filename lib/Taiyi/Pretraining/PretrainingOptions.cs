using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Training;

namespace Taiyi.Pretraining;

/// <summary>How a network is trained from nothing: what VAE and diffusion have in common.</summary>
public abstract record PretrainingOptions
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // prompts stay readable
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>The pictures.</summary>
    public required PretrainingData Data { get; init; }

    /// <summary>Optimizer steps of the whole training, which may be done in several runs. The learning rate falls to 0 at its end.</summary>
    public long Steps { get; init; }

    /// <summary>Pictures of a step.</summary>
    public int BatchSize { get; init; }

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; }

    /// <summary>Optimizer steps over which the learning rate rises from 0 to its peak.</summary>
    public int WarmupSteps { get; init; } = 200;

    /// <summary>λ of AdamW: a step takes the share (learning rate × λ) off every weight.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Largest Euclidean norm of all gradients together; larger ones are scaled down to it.</summary>
    public double MaxGradNorm { get; init; } = 1;

    /// <summary>Decay of the running mean of the weights, which is what is drawn with and saved as the model.</summary>
    public double EmaDecay { get; init; } = 0.999;

    /// <summary>Seed of first weights, noise and timesteps; that of the pictures is in <see cref="Data"/>.</summary>
    public long RandomSeed { get; init; }

    /// <summary>Optimizer steps between two sample sheets; 0 for none.</summary>
    public int SampleEvery { get; init; } = 1000;

    /// <summary>Optimizer steps between two checkpoints; one is written at the end of every run in any case.</summary>
    public int CheckpointEvery { get; init; } = 500;

    /// <summary>How many of the newest checkpoints are kept, 1 or more.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>What the networks compute in, <c>Float32</c> or <c>BFloat16</c>; weights and optimizer are float32 in any case.</summary>
    public string DType { get; init; } = NativeBFloat16.IsSupported ? "BFloat16" : "Float32";

    /// <summary>The learning rate of every step.</summary>
    internal LearningRateSchedule Schedule => new(LearningRateDecay.Cosine, LearningRate, WarmupSteps, Steps);

    /// <summary>Throws if a value is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the value and its range.</exception>
    public virtual void Validate()
    {
        Check(Steps > 0, "number of steps", Steps, "1 or more");
        Check(BatchSize > 0, "batch size", BatchSize, "1 or more");
        Check(double.IsFinite(LearningRate) && LearningRate > 0, "learning rate", LearningRate, "a positive number, such as 1e-3");
        Check(WarmupSteps >= 0, "number of warm-up steps", WarmupSteps, "0 or more");
        Check(WeightDecay >= 0, "weight decay", WeightDecay, "0 or more");
        Check(MaxGradNorm > 0, "largest gradient norm", MaxGradNorm, "more than 0");
        Check(EmaDecay is >= 0 and < 1, "EMA decay", EmaDecay, "from 0 to below 1");
        Check(SampleEvery >= 0, "interval of samples", SampleEvery, "0 or more");
        Check(CheckpointEvery > 0, "interval of checkpoints", CheckpointEvery, "1 or more");
        Check(KeepCheckpoints > 0, "number of kept checkpoints", KeepCheckpoints, "1 or more");
        Check(DType is "Float32" or "BFloat16", "dtype", DType, "Float32 or BFloat16");
        Check(Data.Size > 0, "picture size", Data.Size, "1 or more");
    }

    /// <summary>The options as indented JSON, as they lie in a run's <c>options.json</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, GetType(), Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">The text is no such JSON.</exception>
    internal static T FromJson<T>(string json)
        where T : PretrainingOptions => JsonSerializer.Deserialize<T>(json, Json) ?? throw new JsonException("The options are null.");

    private protected static void Check(bool valid, string name, object value, string allowed)
    {
        if (!valid)
        {
            throw new ArgumentException(FormattableString.Invariant($"The {name} is {value}; use {allowed}."));
        }
    }
}

/// <summary>What of a VAE is trained.</summary>
public enum VaePart
{
    /// <summary>All of it, on pictures.</summary>
    All,

    /// <summary>The innermost level, which the initial VAE lacks, on that one's own maps in place of pictures: see <see cref="VaeInnerLevel"/>. A training of the whole follows.</summary>
    InnerLevel,

    /// <summary>The decoder, on pictures: the latents stay what they are, so that a UNet that was trained on them goes on drawing.</summary>
    Decoder,
}

/// <summary>How a VAE is trained. The defaults take 64 pixels to 16 x 16 latents of 4 channels, in half an hour of two CPU cores.</summary>
public sealed record VaePretrainingOptions : PretrainingOptions
{
    /// <summary>Takes the recipe for a small model.</summary>
    public VaePretrainingOptions()
    {
        (Steps, BatchSize, LearningRate) = (2800, 8, 1e-3);
    }

    /// <summary>
    /// Folder of a VAE whose weights the training begins with wherever they fit, also one of fewer resolutions or other latents:
    /// see <see cref="WarmStart"/>. Null for random weights.
    /// </summary>
    public string? InitialVae { get; init; }

    /// <summary>What is trained.</summary>
    public VaePart Part { get; init; }

    /// <summary>Pictures beside <see cref="PretrainingOptions.Data"/>, such as those of styles: folders with captions. Every so many-th is held out of them too.</summary>
    public IReadOnlyList<PretrainingData> Others { get; init; } = [];

    /// <summary>The share of <see cref="Others"/> in the pictures of a step, 0 to 1.</summary>
    public double OthersShare { get; init; } = 0.25;

    /// <summary>Sizes of the network; its scaling factor is measured at the end.</summary>
    public AutoencoderKLConfig Vae { get; init; } = VaeOf(32, 64, 128);

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
        Check(Part == VaePart.All || InitialVae is not null, "part of the VAE that is trained", Part, "--from with a trained VAE, or all of it");
        Check(OthersShare is >= 0 and <= 1, "share of the other pictures", OthersShare, "from 0 to 1");
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

    /// <summary>γ of the min-SNR-γ weighting of the loss (arXiv 2303.09556); null for none.</summary>
    public double? SnrGamma { get; init; } = 5;

    /// <summary>Probability with which a picture is shown with the empty caption, so that guidance works (arXiv 2207.12598).</summary>
    public double CaptionDropout { get; init; } = 0.1;

    /// <summary>
    /// Deviation of the noise that all positions of a channel share, in units of the ordinary noise: without it the mean of the
    /// noise tells the ground's colour at every timestep, and a picture drawn from pure noise comes out tinted.
    /// </summary>
    public double NoiseOffset { get; init; } = 0.1;

    /// <summary>How often the latents of a variation are used, each time with other noise and another caption: encoding costs as much as a step.</summary>
    public int LatentReuse { get; init; } = 4;

    /// <summary>What the sample sheets show.</summary>
    public IReadOnlyList<string> SamplePrompts { get; init; } =
    [
        "一只狮子，卡通风格", "一只小猫", "一只狗，扁平风格", "苹果", "一份汉堡，简约风格", "火箭，卡通风格", "一个足球", "笑脸，卡通风格",
        "一只猫头鹰，扁平风格，粉色背景", "一栋房子", "一只红色的鸟", "一只蓝色的狮子", "两棵树", "雪人，卡通风格，暖色调，科技感", "一辆汽车，蓝色渐变背景", "熊猫，小，左边",
    ];

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
        Check(SnrGamma is null or > 0, "min-SNR gamma", SnrGamma ?? 0, "more than 0; 5 is usual");
        Check(CaptionDropout is >= 0 and < 1, "caption dropout", CaptionDropout, "a probability from 0 to below 1");
        Check(NoiseOffset >= 0, "noise offset", NoiseOffset, "0 or more; 0.1 is usual");
        Check(LatentReuse > 0, "reuse of latents", LatentReuse, "1 or more");
        Check(UNet.CrossAttentionDim == TextEncoder.HiddenSize, "UNet's context width", UNet.CrossAttentionDim, $"the text encoder's, {TextEncoder.HiddenSize}");
        Check(UNet.BlockOutChannels.All(c => c > 0 && c % UNet.NormNumGroups == 0), "UNet's channels", string.Join(", ", UNet.BlockOutChannels), $"multiples of {UNet.NormNumGroups}");
        Check(TextEncoder.HiddenSize % TextEncoder.NumAttentionHeads == 0, "text encoder's width", TextEncoder.HiddenSize, $"a multiple of {TextEncoder.NumAttentionHeads}");
    }
}
