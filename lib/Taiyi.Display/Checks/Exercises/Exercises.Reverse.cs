using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>Notebook 03.</summary>
public static partial class Exercises
{
    /// <summary>DDIM's step without fresh noise (arXiv 2010.02502, eq. (12) with σ = 0): a function of (xt, eps, kept, keptNext).</summary>
    public static ExerciseResult DdimStep(Func<Tensor, Tensor, double, double, Tensor>? step) => Exercise.Check(
        "Ten steps of yours end where ten of the library's DDIM end 你的十步与库中 DDIM 的十步结果相同", step,
        function =>
        {
            using var scope = NewDisposeScope();
            using SchedulerRun run = Scheduler.Create("ddim", new SchedulerConfig { SetAlphaToOne = true }).Begin(10);
            Tensor yours = linspace(-2, 2, 16).view(1, 1, 4, 4), library = yours.clone();
            for (int i = 0; i < run.Timesteps.Count; i++)
            {
                double kept = Schedule.Value.AlphasCumprod[(int)run.Timesteps[i]];
                double next = i + 1 < run.Timesteps.Count ? Schedule.Value.AlphasCumprod[(int)run.Timesteps[i + 1]] : 1;
                yours = function(yours, Stand(yours), kept, next);
                library = run.Step(Stand(library), library).PrevSample;
            }

            return (yours - library).abs().max().item<float>() < 1e-4;

            static Tensor Stand(Tensor sample) => (sample * 3).sin(); // in the network's place: any function of the sample will do
        },
        "First the picture by eq. (15), then one leap of eq. (4) to the next ᾱ with the same noise. 先由公式 (15) 求 x̂₀，再用同一个噪声按公式 (4) 走到下一个 ᾱ。");

    /// <summary>Evaluations of the network for one picture with guidance: a function of (sampler, steps).</summary>
    public static ExerciseResult Evaluations(int? evaluations) => Exercise.Check(
        "Evaluations of the network: PNDM, 50 steps, guidance 7.5 网络计算次数：PNDM，50 步，引导 7.5", evaluations, count => count == 102,
        "Each step asks for the prompt and for the empty text, and PNDM visits one step twice. 每一步要问两次（有提示词与空提示词），PNDM 有一步走两次。");

    /// <summary>Guidance as a mixture of its two predictions: the two weights as a function of w.</summary>
    public static ExerciseResult GuidanceWeights(Func<double, (double Told, double Empty)>? weights) => Exercise.Check(
        "ε̂ = k_c·ε_c + k_∅·ε_∅ for every w 对任意 w 的两个系数", weights,
        function => ForAll(w => Near(function(w).Told, w, 1e-9) && Near(function(w).Empty, 1 - w, 1e-9), 0, 1, 3, 7.5),
        "Sort empty + w·(told - empty) by its two predictions: the weights add up to 1. 按两个预测合并同类项，系数之和为 1。");

    /// <summary>The exact guess of x₀ for a known distribution: the mean of two points that are equally likely, as a function of (x, kept).</summary>
    public static ExerciseResult MeanOfTwo(Func<double, double, double>? mean) => Exercise.Check(
        "E[x₀ | x_t] where x₀ is -1 or 1, equally likely x₀ 等概率取 ±1 时的 E[x₀ | x_t]", mean,
        function => ForAll(x => ForAll(kept =>
        {
            double Bell(double picture) => Math.Exp(-Math.Pow(x - (Math.Sqrt(kept) * picture), 2) / (2 * (1 - kept)));
            return Near(function(x, kept), (Bell(1) - Bell(-1)) / (Bell(1) + Bell(-1)), 1e-6);
        }, 0.05, 0.5, 0.95), -1.5, -0.2, 0, 0.4, 2),
        "Weigh 1 and -1 by the bell curves of eq. (4); it is a tanh. 用公式 (4) 的钟形曲线给 ±1 加权，结果是 tanh。");
}
