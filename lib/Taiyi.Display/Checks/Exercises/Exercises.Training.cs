using Taiyi.Training;

namespace Taiyi.Display;

/// <summary>Notebooks 06 and 07.</summary>
public static partial class Exercises
{
    /// <summary>
    /// A recipe that differs from <see cref="LoraTrainingOptions.Practical"/> in four options, three of them harmless and one that
    /// spoils the training.
    /// </summary>
    public static LoraTrainingOptions BrokenRecipe => LoraTrainingOptions.Practical with
    {
        BatchSize = 6,
        GradientAccumulation = 2,
        RandomSeed = 11,
        WarmupSteps = 600,
    };

    /// <summary>Steps of a training: a function of (pictures, epochs, batch, accumulation).</summary>
    public static ExerciseResult TrainingSteps(Func<int, int, int, int, long>? steps) => Exercise.Check(
        "Optimizer steps of a training 一次训练的优化步数", steps,
        function => ForAll<(int Pictures, int Epochs, int Batch, int Passes)>(one => function(one.Pictures, one.Epochs, one.Batch, one.Passes)
                == new LoraTrainingOptions { Epochs = one.Epochs, BatchSize = one.Batch, GradientAccumulation = one.Passes }.TotalSteps(one.Pictures),
            (120, 5, 8, 2), (120, 5, 1, 1), (7, 3, 4, 1)),
        "A step sees batch · accumulation pictures; the last may be a part of one, so round up. 一步看 批量 x 累积 张图，最后不足一步也算一步。");

    /// <summary>Steps at a constant rate of 1e-7 until a weight is 0.01 away.</summary>
    public static ExerciseResult StepsToReach(double? steps) => Exercise.Check(
        "Steps of 1e-7 that reach 0.01 每步 1e-7，走到 0.01 要多少步", steps, count => Near(count, 100_000, 10),
        "The reach is the sum of all learning rates. 可达距离是学习率之和。");

    /// <summary>The min-SNR weight: a function of (snr, gamma).</summary>
    public static ExerciseResult MinSnrWeight(Func<double, double, double>? weight) => Exercise.Check(
        "min(SNR, γ) / SNR", weight,
        function => Near(function(20, 5), 0.25, 1e-9) && Near(function(2, 5), 1, 1e-9) && Near(function(5, 5), 1, 1e-9),
        "Where the SNR is smaller than γ nothing changes. SNR 小于 γ 时权重为 1。");

    /// <summary>The cosine decay: a function of (step, total).</summary>
    public static ExerciseResult CosineDecay(Func<double, double, double>? decay) => Exercise.Check(
        "The same as the library's schedule without warm-up 与库中无预热的余弦衰减相同", decay,
        function =>
        {
            LearningRateSchedule library = new(LearningRateDecay.Cosine, Peak: 1, WarmupSteps: 0, TotalSteps: 100);
            return Enumerable.Range(0, 100).All(i => Near(function(i, 100), library.At(i), 1e-9));
        },
        "Half a wave: cos goes from 1 to -1 while its angle goes from 0 to π. 半个余弦波。");

    /// <summary>Passes of 2 pictures that make a batch of 16.</summary>
    public static ExerciseResult AccumulatedBatch(int? accumulation) => Exercise.Check(
        "A batch of 16 in passes of 2 每次 2 张，凑成 16 张一批", accumulation, passes => passes == 8,
        "The gradients of all passes of a step are averaged. 一步内各次的梯度取平均。");

    /// <summary>d of a running mean over some steps: a function.</summary>
    public static ExerciseResult EmaDecay(Func<double, double>? decay) => Exercise.Check(
        "d of a mean over about n steps 平均约 n 步的 d", decay,
        function => ForAll(steps => Near(1 / (1 - function(steps)), steps, 0.01 * steps), 10.0, 100, 500),
        "About 1 / (1 - d) steps count. 起作用的约有 1/(1-d) 步。");

    /// <summary>The deviation of a channel's mean: a function of (height, width, offset).</summary>
    public static ExerciseResult ChannelMean(Func<int, int, double, double>? deviation) => Exercise.Check(
        "The deviation of a channel's mean, with and without an offset 通道均值的标准差", deviation,
        function => Near(function(64, 64, 0), 1 / 64.0, 1e-6) && Near(function(16, 16, 0.1), Math.Sqrt((1 / 256.0) + 0.01), 1e-6),
        "Variances of independent numbers add up: that of a mean of H·W, and the offset's. 独立变量的方差相加。");

    /// <summary>A rule that prefers less distance and more subjects: a function of (distance, kept), smaller for the better.</summary>
    public static ExerciseResult CheckpointScore(Func<double, double, double>? score) => Exercise.Check(
        "Less distance and more subjects are better 距离小、主体多的更好", score,
        function => function(0.4, 0.8) < function(0.5, 0.8) && function(0.4, 0.9) < function(0.4, 0.8),
        "For example a weighted sum; what is a subject worth to you? 例如加权和：一个主体值多少？");

    /// <summary>Which option of <see cref="BrokenRecipe"/> spoils the training: its name.</summary>
    public static ExerciseResult BrokenOption(string? name) => Exercise.Check(
        "The option that spoils the training 破坏训练的那个选项", name,
        answer => answer.Equals(nameof(LoraTrainingOptions.WarmupSteps), StringComparison.OrdinalIgnoreCase),
        "Draw the learning rate of every step, as in notebook 06. When does it arrive? 像 06 那样画出每步的学习率：什么时候才到峰值？");
}
