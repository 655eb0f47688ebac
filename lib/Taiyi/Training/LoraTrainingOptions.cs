using Taiyi.Lora;

namespace Taiyi.Training;

/// <summary>How a LoRA is trained. <see cref="Original"/> and <see cref="Practical"/> are two tried recipes; change one with <c>with</c>.</summary>
public sealed record LoraTrainingOptions : TrainingOptions
{
    // Self-attention and the convolutions: how things look. Cross-attention, by which the caption says what there is, stays the base's.
    private static readonly string[] StyleModules =
    [
        "attn1.to_q", "attn1.to_k", "attn1.to_v", "attn1.to_out.0", "conv1", "conv2", "conv_in", "conv_out", "conv_shortcut", "proj_in", "proj_out",
    ];

    /// <summary>
    /// The recipe of the original project: learning rate 1e-7, 5 epochs, AdamW, cosine, rank 8, alpha 16, dropout 0.1. At this
    /// rate the weights hardly move; see <see cref="LoraTrainingResult.RelativeChange"/>.
    /// </summary>
    public static LoraTrainingOptions Original { get; } = new() { LearningRate = 1e-7, Epochs = 5, BatchSize = 1 };

    /// <summary>
    /// A recipe that visibly learns a style from about a hundred pictures in minutes on taiyi-mini: few steps at a high rate, updates
    /// of self-attention and convolutions but none where the caption enters (<c>attn2</c>), so that the subjects stay those of the
    /// base, and a noise offset and a loss that counts much noise more, without which grounds keep the colour that the base prefers. What
    /// else was tried stands in the card of taiyi-mini.
    /// </summary>
    public static LoraTrainingOptions Practical { get; } = new()
    {
        Lora = new LoraConfig { Rank = 8, Alpha = 8, Dropout = 0, TargetModules = StyleModules },
        LearningRate = 8e-4,
        Steps = 600,
        BatchSize = 12,
        WarmupSteps = 20,
        DebiasedEstimation = true,
        NoiseOffset = 0.1,
        CaptionDropout = 0.1,
        EmaDecay = 0.99,
        SampleEvery = 100,
    };

    /// <summary>Names of the recipes, for a command line.</summary>
    public static IReadOnlyList<string> Recipes { get; } = ["original", "practical"];

    /// <summary>Rank r, scale alpha, dropout (probability) and target modules of the adapter.</summary>
    public LoraConfig Lora { get; init; } = new();

    /// <summary>Length in passes over all pictures, where <see cref="TrainingOptions.Steps"/> is null.</summary>
    public double Epochs { get; init; } = 5;

    /// <summary>Whether the mirror image of every picture is used as well. Not for pictures with writing.</summary>
    public bool HorizontalFlip { get; init; }

    /// <summary>Whether memory is saved by computing each layer twice; see <see cref="Models.UNet2DConditionModel.GradientCheckpointing"/>.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Seed of the sample pictures, the same for each and every time.</summary>
    public long SampleSeed { get; init; } = 7;

    /// <summary>The model that is trained, a folder or file: a note for who goes on with the run.</summary>
    public string? Model { get; init; }

    /// <summary>The folder of pictures and captions: a note like <see cref="Model"/>.</summary>
    public string? Data { get; init; }

    /// <summary>Files of textual inversion whose words the captions use, each as <c>FILE</c> or <c>FILE:WORD</c>: a note like <see cref="Model"/>.</summary>
    public IReadOnlyList<string> Embeddings { get; init; } = [];

    /// <summary>The tiny VAE that decodes the sample pictures, a file or folder: a note like <see cref="Model"/>; null for the model's own VAE.</summary>
    public string? TinyVae { get; init; }

    /// <summary>The recipe of a name.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static LoraTrainingOptions Recipe(string name) => name switch
    {
        "original" => Original,
        "practical" => Practical,
        _ => throw new ArgumentException($"There is no recipe '{name}'; there are {string.Join(" and ", Recipes)}."),
    };

    /// <summary>Optimizer steps of the whole training.</summary>
    /// <param name="pictures">Pictures in the data.</param>
    public long TotalSteps(int pictures) => Steps ?? (long)Math.Ceiling(Epochs * pictures / (BatchSize * (double)GradientAccumulation));

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Lora.Validate();
        Check(double.IsFinite(Epochs) && Epochs > 0, "number of epochs", Epochs, "more than 0");
    }
}
