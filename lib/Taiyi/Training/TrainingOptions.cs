using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Taiyi.Training;

/// <summary>How networks are trained: what every training has, whichever weights it changes.</summary>
public abstract record TrainingOptions
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // prompts stay readable
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>Length in optimizer steps, over all runs together.</summary>
    public long? Steps { get; init; }

    /// <summary>Pictures in one forward and backward pass.</summary>
    public int BatchSize { get; init; } = 1;

    /// <summary>Passes whose gradients are averaged for one optimizer step: a larger batch in the memory of a small one.</summary>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>Peak learning rate: about the size of one weight's change in one optimizer step.</summary>
    public double LearningRate { get; init; } = 1e-4;

    /// <summary>What the learning rate does after the warm-up.</summary>
    public LearningRateDecay Decay { get; init; } = LearningRateDecay.Cosine;

    /// <summary>Optimizer steps over which the learning rate rises from 0 to its peak.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>λ of AdamW: a step shrinks every weight by the fraction (learning rate × λ).</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>β₂ of AdamW: with 0.999 the size of a step follows from about the last thousand gradients.</summary>
    public double AdamBeta2 { get; init; } = 0.999;

    /// <summary>Largest Euclidean norm of all gradients together; larger ones are scaled down to it.</summary>
    public double MaxGradNorm { get; init; } = 1;

    /// <summary>Decay d of the running mean of the weights, which draws the samples and is saved at the end; null for none.</summary>
    public double? EmaDecay { get; init; }

    /// <summary>γ of the min-SNR-γ weighting of the diffusion loss (arXiv 2303.09556), a signal-to-noise ratio; null for none.</summary>
    public double? SnrGamma { get; init; }

    /// <summary>Whether the diffusion loss counts much noise more, by 1 / √SNR (debiased estimation, arXiv 2310.08442), in place of min-SNR-γ.</summary>
    public bool DebiasedEstimation { get; init; }

    /// <summary>
    /// Deviation of the noise that all positions of a channel share, in units of the ordinary noise, 0 for none. Without it the mean
    /// of the noise reveals the background's colour at every timestep, and a picture drawn from pure noise comes out tinted.
    /// </summary>
    public double NoiseOffset { get; init; }

    /// <summary>Probability with which a picture is shown with the empty caption, so that guidance keeps working (arXiv 2207.12598).</summary>
    public double CaptionDropout { get; init; }

    /// <summary>Seed of everything random: first weights, order, noise, timesteps, dropout.</summary>
    public long RandomSeed { get; init; }

    /// <summary>Captions of the pictures that are drawn while training; none draws nothing.</summary>
    public IReadOnlyList<string> SamplePrompts { get; init; } = [];

    /// <summary>Optimizer steps between two sets of sample pictures; 0 for none before the end.</summary>
    public int SampleEvery { get; init; }

    /// <summary>Optimizer steps between two checkpoints; one is written at the end of every run in any case.</summary>
    public int CheckpointEvery { get; init; } = 50;

    /// <summary>How many of the newest checkpoints are kept, 1 or more.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>What the networks' weights are kept in, <c>Float32</c> or <c>BFloat16</c>; what is trained, and the optimizer, is float32 in any case.</summary>
    public string DType { get; init; } = "Float32";

    /// <summary>Throws if a value is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the value and its range.</exception>
    public virtual void Validate()
    {
        Check(Steps is null or > 0, "number of steps", Steps, "1 or more");
        Check(BatchSize > 0, "batch size", BatchSize, "1 or more");
        Check(GradientAccumulation > 0, "gradient accumulation", GradientAccumulation, "1 or more");
        Check(double.IsFinite(LearningRate) && LearningRate > 0, "learning rate", LearningRate, "a positive number, such as 1e-4");
        Check(WarmupSteps >= 0, "number of warm-up steps", WarmupSteps, "0 or more");
        Check(WeightDecay >= 0, "weight decay", WeightDecay, "0 or more");
        Check(AdamBeta2 is >= 0 and < 1, "AdamW's beta 2", AdamBeta2, "from 0 to below 1; 0.999 is usual");
        Check(MaxGradNorm > 0, "largest gradient norm", MaxGradNorm, "more than 0");
        Check(EmaDecay is null or (>= 0 and < 1), "EMA decay", EmaDecay, "from 0 to below 1");
        Check(SnrGamma is null or > 0, "min-SNR gamma", SnrGamma, "more than 0; 5 is usual");
        Check(SnrGamma is null || !DebiasedEstimation, "min-SNR gamma", SnrGamma, "none beside debiased estimation: each is a weighting of its own");
        Check(NoiseOffset >= 0, "noise offset", NoiseOffset, "0 or more; 0.1 is usual");
        Check(CaptionDropout is >= 0 and < 1, "caption dropout", CaptionDropout, "a probability from 0 to below 1");
        Check(SampleEvery >= 0, "interval of samples", SampleEvery, "0 or more");
        Check(CheckpointEvery > 0, "interval of checkpoints", CheckpointEvery, "1 or more");
        Check(KeepCheckpoints > 0, "number of kept checkpoints", KeepCheckpoints, "1 or more");
        Check(DType is "Float32" or "BFloat16" or "Float16", "dtype", DType, "Float32, BFloat16 or Float16");
    }

    /// <summary>The options as indented JSON, as they lie in a run's <c>options.json</c>.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, GetType(), Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <typeparam name="T">The kind of training.</typeparam>
    /// <exception cref="JsonException">The text is no such JSON.</exception>
    public static T FromJson<T>(string json)
        where T : TrainingOptions => JsonSerializer.Deserialize<T>(json, Json) ?? throw new JsonException("The options are null.");

    /// <summary>Throws unless a value is in its range.</summary>
    /// <param name="valid">Whether it is.</param>
    /// <param name="name">The option in words.</param>
    /// <param name="value">What it is.</param>
    /// <param name="allowed">What it may be.</param>
    /// <exception cref="ArgumentException">It is not.</exception>
    protected static void Check(bool valid, string name, object? value, string allowed)
    {
        if (!valid)
        {
            throw new ArgumentException(FormattableString.Invariant($"The {name} is {value}; use {allowed}."));
        }
    }
}
