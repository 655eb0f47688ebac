using Taiyi.Models;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Display.Tests;

/// <summary>Every exercise of the course: open without an answer, solved by the right one, not by a likely mistake.</summary>
[NoTensorLeak]
public sealed class ExercisesTests
{
    private static readonly BertTokenizer Tokenizer = Snapshots.ModelFolder.Open(DefaultModel.Find()).LoadTokenizer();

    [Fact]
    public void Environment_00()
    {
        Judge(answer => Exercises.PromptInVocabulary(answer, Tokenizer), "一只小猫", "一只\u4e02");
        JudgeValue<double>(Exercises.UNetInBfloat16, 1.72, 3.44);
        Judge<Func<string, int, int>>(
            Exercises.NetworkCalls, (name, steps) => name switch { "pndm" => steps + 1, "heun" => (2 * steps) - 1, _ => steps }, (_, steps) => steps);
        Judge<Func<Tensor, double>>(Exercises.MeanSquare, MeanOfSquares, _ => 4.5);
    }

    [Fact]
    public void Data_01()
    {
        JudgeValue<(int, int)>(Exercises.ResizedPhoto, (170, 128), (128, 96));
        Judge<Func<int, double>>(Exercises.LevelToNumber, level => (level / 127.5) - 1, level => level / 255.0);
        JudgeValue<int>(answer => Exercises.CaptionTokens(answer, Tokenizer), 11, 9);
        Judge<Action<string>>(answer => Exercises.Repair(answer, MakeMessy), folder => File.Delete(Path.Combine(folder, "lost.txt")), _ => { });
    }

    [Fact]
    public void Forward_02()
    {
        Judge<Func<double[], double>>(Exercises.AlphaBar, betas => betas.Aggregate(1.0, (product, b) => product * (1 - b)), betas => 1 - betas.Sum());
        Judge<Func<double, double>>(Exercises.AlphaBarOfSnr, snr => snr / (1 + snr), snr => 1 / (1 + snr));
        Judge<Func<double, double>>(Exercises.ConstantBeta, end => 1 - Math.Pow(end, 1.0 / 1000), end => (1 - end) / 1000);
        double[] bars = new Schedulers.NoiseSchedule(new Schedulers.SchedulerConfig()).AlphasCumprod;
        Judge<Func<int, int, double>>(Exercises.Leap, (s, t) => Math.Sqrt(bars[t] / bars[s]), (s, t) => bars[t] / bars[s]);
        Judge<Func<Tensor, Tensor, double, Tensor>>(
            Exercises.NoiseOf, (x0, xt, kept) => (xt - (Math.Sqrt(kept) * x0)) / Math.Sqrt(1 - kept), (x0, xt, _) => xt - x0);
        Judge<Func<double[], double[]>>(Exercises.ZeroTerminalSnr, ZeroTerminal, betas => [.. betas[..^1], 1]);
    }

    [Fact]
    public void Reverse_03()
    {
        Judge<Func<Tensor, Tensor, double, double, Tensor>>(
            Exercises.DdimStep,
            (xt, eps, kept, next) => (Math.Sqrt(next) * ((xt - (Math.Sqrt(1 - kept) * eps)) / Math.Sqrt(kept))) + (Math.Sqrt(1 - next) * eps),
            (xt, eps, kept, next) => (xt - (Math.Sqrt(1 - kept) * eps)) / Math.Sqrt(kept));
        JudgeValue<int>(Exercises.Evaluations, 102, 51);
        Judge<Func<double, (double, double)>>(Exercises.GuidanceWeights, w => (w, 1 - w), w => (w, -w));
        Judge<Func<double, double, double>>(Exercises.MeanOfTwo, (x, kept) => Math.Tanh(Math.Sqrt(kept) * x / (1 - kept)), (x, kept) => x / Math.Sqrt(kept));
    }

    [Fact]
    public void Model_04()
    {
        Judge<Func<int, int, double>>(Exercises.Compression, (factor, channels) => 3.0 * factor * factor / channels, (factor, channels) => factor * factor / (double)channels);
        JudgeValue<int>(answer => Exercises.LongestPrompt(answer, Tokenizer), Tokenizer.MaxLength - 2, Tokenizer.MaxLength);
        Judge<Func<Tensor, Tensor, Tensor>>(
            Exercises.AttentionWeights, (q, k) => (matmul(q, k.transpose(-2, -1)) / Math.Sqrt(q.shape[^1])).softmax(-1), (q, k) => matmul(q, k.transpose(-2, -1)).softmax(-1));
        Judge<long[]>(answer => Exercises.EmptyPrompt(answer, Tokenizer), [.. Tokenizer.Encode("").Ids], []);
    }

    [Fact]
    public void Lora_05()
    {
        Judge<Func<int, int, int, long>>(Exercises.TrainedNumbers, (rows, columns, rank) => rank * (rows + columns), (rows, columns, _) => rows * columns);
        JudgeValue<int>(Exercises.UselessRank, 97, 96);
        JudgeValue<double>(Exercises.SameUpdate, 2, 0.5);
        Judge<Func<Tensor, int, Tensor>>(Exercises.BestOfRank, BestOfRank, (matrix, _) => matrix);
    }

    [Fact]
    public void Training_06_and_07()
    {
        Judge<Func<int, int, int, int, long>>(
            Exercises.TrainingSteps, (pictures, epochs, batch, passes) => (long)Math.Ceiling(epochs * pictures / (double)(batch * passes)), (pictures, epochs, batch, _) => pictures * epochs / batch);
        JudgeValue<double>(Exercises.StepsToReach, 100_000, 10_000);
        Judge<Func<double, double, double>>(Exercises.MinSnrWeight, (snr, gamma) => Math.Min(snr, gamma) / snr, (snr, gamma) => gamma / snr);
        Judge<Func<double, double, double>>(Exercises.CosineDecay, (step, total) => (1 + Math.Cos(Math.PI * step / total)) / 2, (step, total) => 1 - (step / total));
        JudgeValue<int>(Exercises.AccumulatedBatch, 8, 16);
        Judge<Func<double, double>>(Exercises.EmaDecay, steps => 1 - (1 / steps), steps => 1 / steps);
        Judge<Func<int, int, double, double>>(Exercises.ChannelMean, (h, w, o) => Math.Sqrt((1.0 / (h * w)) + (o * o)), (h, w, o) => (1 / Math.Sqrt(h * w)) + o);
        Judge<Func<double, double, double>>(Exercises.CheckpointScore, (distance, kept) => distance - kept, (distance, _) => distance);
        Judge(Exercises.BrokenOption, "WarmupSteps", "BatchSize");
    }

    [Fact]
    public void Inference_08()
    {
        Judge<Func<long, int, long>>(Exercises.SeedOfPicture, (seed, index) => seed + index, (seed, index) => seed + index + 1);
        Judge<Func<double, double, double>>(Exercises.AlphaForWeight, (alpha, w) => alpha * w, (alpha, w) => alpha / w);
        Judge<Func<int, double, int>>(Exercises.StepsOfStrength, (steps, strength) => (int)(steps * strength), (steps, _) => steps);
    }

    [Fact]
    public void The_broken_recipe_never_reaches_its_learning_rate()
    {
        LoraTrainingOptions broken = Exercises.BrokenRecipe, sound = LoraTrainingOptions.Practical;

        Assert.True(broken.WarmupSteps >= broken.TotalSteps(120));
        Assert.Equal(sound.BatchSize * sound.GradientAccumulation, broken.BatchSize * broken.GradientAccumulation);
    }

    private static void Judge<T>(Func<T?, ExerciseResult> exercise, T right, T wrong)
        where T : class
    {
        using var scope = NewDisposeScope();
        Assert.Null(exercise(null).Solved);
        Assert.True(exercise(right).Solved, exercise(right).ToText());
        Assert.False(exercise(wrong).Solved, exercise(wrong).ToText());
    }

    private static void JudgeValue<T>(Func<T?, ExerciseResult> exercise, T right, T wrong)
        where T : struct
    {
        Assert.Null(exercise(null).Solved);
        Assert.True(exercise(right).Solved, exercise(right).ToText());
        Assert.False(exercise(wrong).Solved, exercise(wrong).ToText());
    }

    private static double MeanOfSquares(Tensor x)
    {
        using var scope = NewDisposeScope();
        return x.square().mean().item<double>();
    }

    private static Tensor BestOfRank(Tensor matrix, int rank)
    {
        (Tensor u, Tensor s, Tensor vt) = linalg.svd(matrix, fullMatrices: false);
        return u[.., ..rank].mul(s[..rank]).matmul(vt[..rank]);
    }

    // Lin et al., algorithm 1.
    private static double[] ZeroTerminal(double[] betas)
    {
        double product = 1;
        double[] roots = [.. betas.Select(b => Math.Sqrt(product *= 1 - b))];
        double[] bars = [.. roots.Select(r => Math.Pow((r - roots[^1]) * roots[0] / (roots[0] - roots[^1]), 2))];
        return [.. bars.Select((bar, t) => 1 - (t == 0 ? bar : bar / bars[t - 1]))];
    }

    private static void MakeMessy(string folder)
    {
        Directory.CreateDirectory(folder);
        for (int i = 0; i < 4; i++)
        {
            File.WriteAllBytes(Path.Combine(folder, $"{i}.png"), Data.ImageFile.EncodePng(Data.ImageConversion.FromBytes(1, 1, [1, 2, 3])));
            File.WriteAllText(Path.Combine(folder, $"{i}.txt"), "一只猫");
        }

        File.WriteAllText(Path.Combine(folder, "lost.txt"), "一只狮子");
    }
}
