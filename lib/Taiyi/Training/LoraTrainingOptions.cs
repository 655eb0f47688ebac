using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Taiyi.Lora;

namespace Taiyi.Training;

/// <summary>How a LoRA is trained. <see cref="Seed"/> and <see cref="Practical"/> are two tried recipes; change one with <c>with</c>.</summary>
public sealed record LoraTrainingOptions
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // prompts stay readable
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    // Self-attention, feed-forward, the projections around them, and what the timestep adds to each resnet: all linear maps
    // but those of cross-attention.
    private static readonly string[] StyleModules =
    [
        "attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "ff.net.0.proj", "ff.net.2",
        "proj_in", "proj_out", "time_emb_proj", "conv_shortcut",
    ];

    /// <summary>
    /// The recipe of the original project: learning rate 1e-7, 5 epochs, AdamW, cosine, rank 8, alpha 16, dropout 0.1. At this
    /// rate the weights hardly move; see <see cref="LoraTrainingResult.RelativeChange"/>.
    /// </summary>
    public static LoraTrainingOptions Seed { get; } = new() { LearningRate = 1e-7, Epochs = 5, BatchSize = 1, WeightDecay = 0.01 };

    /// <summary>
    /// A recipe that visibly learns a style from about a hundred pictures in minutes on taiyi-mini: few steps at a high rate, no
    /// update where the caption enters (<c>attn2</c>), so that the subjects stay those of the base, and a noise offset, without
    /// which grounds keep the brightness that the base prefers.
    /// </summary>
    public static LoraTrainingOptions Practical { get; } = new()
    {
        Lora = new LoraConfig { Rank = 8, Alpha = 8, Dropout = 0, TargetModules = StyleModules },
        LearningRate = 1e-3,
        Steps = 400,
        BatchSize = 16,
        WarmupSteps = 20,
        SnrGamma = 5,
        NoiseOffset = 0.1,
        CaptionDropout = 0.1,
        EmaDecay = 0.99,
        SampleEvery = 100,
    };

    /// <summary>Names of the recipes, for a command line.</summary>
    public static IReadOnlyList<string> Recipes { get; } = ["seed", "practical"];

    /// <summary>Rank r, scale alpha, dropout (probability) and target modules of the adapter.</summary>
    public LoraConfig Lora { get; init; } = new();

    /// <summary>Peak learning rate: about the size of one weight's change in one optimizer step.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>What the learning rate does after the warm-up.</summary>
    public LearningRateDecay Decay { get; init; } = LearningRateDecay.Cosine;

    /// <summary>Optimizer steps over which the learning rate rises from 0 to its peak.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>Length in passes over all pictures; <see cref="Steps"/> goes before it.</summary>
    public double Epochs { get; init; } = 5;

    /// <summary>Length in optimizer steps; null for <see cref="Epochs"/>.</summary>
    public long? Steps { get; init; }

    /// <summary>Pictures in one forward and backward pass.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Passes whose gradients are averaged for one optimizer step: a larger batch in the memory of a small one.</summary>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>λ of AdamW: a step takes the share (learning rate × λ) off every weight.</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Largest Euclidean norm of all gradients together; larger ones are scaled down to it.</summary>
    public double MaxGradNorm { get; init; } = 1;

    /// <summary>γ of the min-SNR-γ weighting of the loss (arXiv 2303.09556), a signal-to-noise ratio; null for none.</summary>
    public double? SnrGamma { get; init; }

    /// <summary>Deviation of the noise that all pixels of a channel share, in units of the ordinary noise; 0 for none.</summary>
    public double NoiseOffset { get; init; }

    /// <summary>Probability with which a picture is shown with the empty caption, so that guidance keeps working (arXiv 2207.12598).</summary>
    public double CaptionDropout { get; init; }

    /// <summary>Decay d of the running mean of the LoRA weights, which is what is saved at the end; null for none.</summary>
    public double? EmaDecay { get; init; }

    /// <summary>Whether the mirror image of every picture is used as well. Not for pictures with writing.</summary>
    public bool HorizontalFlip { get; init; }

    /// <summary>Whether memory is saved by computing each layer twice; see <see cref="Models.UNet2DConditionModel.GradientCheckpointing"/>.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Seed of everything random: first weights, order, noise, timesteps, dropout.</summary>
    public long RandomSeed { get; init; }

    /// <summary>Captions of the pictures that are drawn while training; none draws nothing.</summary>
    public IReadOnlyList<string> SamplePrompts { get; init; } = [];

    /// <summary>Optimizer steps between two sets of sample pictures; 0 for none before the end.</summary>
    public int SampleEvery { get; init; }

    /// <summary>Seed of the sample pictures, the same for each and every time.</summary>
    public long SampleSeed { get; init; } = 7;

    /// <summary>Optimizer steps between two checkpoints; one is written at the end in any case.</summary>
    public int CheckpointEvery { get; init; } = 50;

    /// <summary>How many of the newest checkpoints are kept, 1 or more.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>The model that is trained, a folder or file: a note for who goes on with the run.</summary>
    public string? Model { get; init; }

    /// <summary>The folder of pictures and captions: a note like <see cref="Model"/>.</summary>
    public string? Data { get; init; }

    /// <summary>What the base model's weights are kept in, <c>Float32</c> or <c>BFloat16</c>; the LoRA itself is always float32.</summary>
    public string DType { get; init; } = "Float32";

    /// <summary>The recipe of a name.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static LoraTrainingOptions Recipe(string name) => name switch
    {
        "seed" => Seed,
        "practical" => Practical,
        _ => throw new ArgumentException($"There is no recipe '{name}'; there are {string.Join(" and ", Recipes)}."),
    };

    /// <summary>Optimizer steps of the whole training.</summary>
    /// <param name="pictures">Pictures in the data.</param>
    public long TotalSteps(int pictures) => Steps ?? (long)Math.Ceiling(Epochs * pictures / (BatchSize * (double)GradientAccumulation));

    /// <summary>Throws if a value is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the value and its range.</exception>
    public void Validate()
    {
        Lora.Validate();
        Check(double.IsFinite(LearningRate) && LearningRate > 0, "learning rate", LearningRate, "a positive number, such as 1e-4");
        Check(Steps is null or > 0, "number of steps", Steps, "1 or more");
        Check(double.IsFinite(Epochs) && Epochs > 0, "number of epochs", Epochs, "more than 0");
        Check(WarmupSteps >= 0, "number of warm-up steps", WarmupSteps, "0 or more");
        Check(BatchSize > 0, "batch size", BatchSize, "1 or more");
        Check(GradientAccumulation > 0, "gradient accumulation", GradientAccumulation, "1 or more");
        Check(WeightDecay >= 0, "weight decay", WeightDecay, "0 or more");
        Check(MaxGradNorm > 0, "largest gradient norm", MaxGradNorm, "more than 0");
        Check(SnrGamma is null or > 0, "min-SNR gamma", SnrGamma, "more than 0; 5 is usual");
        Check(CaptionDropout is >= 0 and < 1, "caption dropout", CaptionDropout, "a probability from 0 to below 1");
        Check(EmaDecay is null or (>= 0 and < 1), "EMA decay", EmaDecay, "from 0 to below 1");
        Check(SampleEvery >= 0, "interval of samples", SampleEvery, "0 or more");
        Check(CheckpointEvery > 0, "interval of checkpoints", CheckpointEvery, "1 or more");
        Check(KeepCheckpoints > 0, "number of kept checkpoints", KeepCheckpoints, "1 or more");

        static void Check(bool valid, string name, object? value, string allowed)
        {
            if (!valid)
            {
                throw new ArgumentException(FormattableString.Invariant($"The {name} is {value}; use {allowed}."));
            }
        }
    }

    /// <summary>The options as indented JSON, as they lie in a run's <c>options.json</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="JsonException">The text is no such JSON.</exception>
    public static LoraTrainingOptions FromJson(string json) =>
        JsonSerializer.Deserialize<LoraTrainingOptions>(json, Json) ?? throw new JsonException("The options are null.");
}
