using Taiyi.Lora;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Distillation;

/// <summary>How an LCM-LoRA is distilled from a model. The defaults are for a small one.</summary>
public sealed record DistillationOptions : PretrainingOptions
{
    // What LCM-LoRA trains: every linear map and convolution of the blocks (diffusers, train_lcm_distill_lora_sd.py).
    private static readonly string[] BlockModules =
    [
        "to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2",
        "conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj",
    ];

    /// <summary>Takes the recipe for a small model.</summary>
    public DistillationOptions()
    {
        (Steps, BatchSize, LearningRate) = (400, 16, 3e-4); // at 1e-3 the student, which is its own target, ran away after 200 steps
        (WarmupSteps, AdamBeta2, EmaDecay) = (30, 0.99, 0.99);
        (SampleEvery, CheckpointEvery) = (200, 100);
        SamplePrompts = ["一只狮子", "一只小猫", "苹果", "一份汉堡", "火箭", "一个足球", "一只猫头鹰", "一栋房子"];
    }

    /// <summary>Rank, alpha and target modules of the LoRA. LCM-LoRA's own rank is 64.</summary>
    public LoraConfig Lora { get; init; } = new() { Rank = 64, Alpha = 64, Dropout = 0, TargetModules = BlockModules };

    /// <summary>
    /// The least guidance scale of the teacher, whose effect goes into the LoRA: the pictures are then drawn with a scale of 1. The same
    /// as the largest teaches one scale, which is easiest to learn.
    /// </summary>
    public double LeastGuidanceScale { get; init; } = 3;

    /// <summary>The largest guidance scale of the teacher.</summary>
    public double LargestGuidanceScale { get; init; } = 3;

    /// <summary>N, timesteps of the solver's grid.</summary>
    public int SolverSteps { get; init; } = 50;

    /// <summary>Steps of LCM with which the samples are drawn.</summary>
    public int SampleSteps { get; init; } = 4;

    /// <summary>How often the latents of a picture are used, each time with other noise and words.</summary>
    public int LatentReuse { get; init; } = 4;

    /// <summary>The model that is distilled, a folder or file: a note for who goes on with the run.</summary>
    public string? Model { get; init; }

    /// <inheritdoc/>
    public override void Validate()
    {
        base.Validate();
        Lora.Validate();
        Check(Lora.Dropout == 0, "dropout of the LoRA", Lora.Dropout, "0: the target would be drawn with other masks than the prediction");
        Check(double.IsFinite(LeastGuidanceScale) && LeastGuidanceScale >= 1, "least guidance scale", LeastGuidanceScale, "1 (no guidance) or more");
        Check(double.IsFinite(LargestGuidanceScale) && LargestGuidanceScale >= LeastGuidanceScale, "largest guidance scale", LargestGuidanceScale, $"the least, {LeastGuidanceScale}, or more");
        Check(SolverSteps is > 0 and <= 1000, "number of the solver's timesteps", SolverSteps, "1 to 1000; 50 is LCM's");
        Check(SampleSteps > 0 && SampleSteps <= SolverSteps, "number of sample steps", SampleSteps, $"1 to the solver's {SolverSteps}");
        Check(LatentReuse > 0, "reuse of latents", LatentReuse, "1 or more");
    }
}
