using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>Notebook 02.</summary>
public static partial class Exercises
{
    private static readonly Lazy<NoiseSchedule> Schedule = new(() => new NoiseSchedule(new SchedulerConfig()));

    /// <summary>ᾱ of a list of β: a function.</summary>
    public static ExerciseResult AlphaBar(Func<double[], double>? alphaBar) => Exercise.Check(
        "ᾱ after any list of β 任意一串 β 之后的 ᾱ", alphaBar,
        function => Near(function([0.1, 0.2, 0.3]), 0.504, 1e-9) && Near(function(Schedule.Value.Betas), Schedule.Value.AlphasCumprod[^1], 1e-9),
        "ᾱ is the product of all α = 1 - β, not 1 minus the sum of β. ᾱ 是所有 1-β 的乘积，不是 1 减去 β 之和。");

    /// <summary>ᾱ of an SNR: a function.</summary>
    public static ExerciseResult AlphaBarOfSnr(Func<double, double>? alphaBar) => Exercise.Check(
        "ᾱ from the SNR, at every step 由信噪比求 ᾱ（每一步）", alphaBar,
        function => Enumerable.Range(0, 1000).All(t => Near(function(Schedule.Value.Snr(t)), Schedule.Value.AlphasCumprod[t], 1e-9)),
        "Solve SNR·(1-ᾱ) = ᾱ for ᾱ. 从 SNR·(1-ᾱ) = ᾱ 解出 ᾱ。");

    /// <summary>The β of 1000 equal steps that end at an ᾱ: a function.</summary>
    public static ExerciseResult ConstantBeta(Func<double, double>? beta) => Exercise.Check(
        "1000 equal β end at the ᾱ that is asked for 1000 个相等的 β 恰好到达给定的 ᾱ", beta,
        function => ForAll(end => Near(Math.Pow(1 - function(end), 1000), end, 1e-6), 0.00466, 0.1, 0.5),
        "(1-β)¹⁰⁰⁰ = ᾱ: take the thousandth root. 开一千次方。");

    /// <summary>What the steps from one timestep to another keep: a function.</summary>
    public static ExerciseResult Leap(Func<int, int, double>? keep) => Exercise.Check(
        "k is what the steps between keep 中间各步保留的系数", keep,
        function => ForAll<(int From, int To)>(leap => Near(function(leap.From, leap.To), Math.Sqrt(KeptBetween(leap.From, leap.To)), 1e-6), (199, 499), (0, 999), (10, 20)),
        "The steps up to the first are a factor of both ᾱ: what is left when you divide? 两个 ᾱ 相除还剩什么？");

    /// <summary>The noise in x_t: a function of (x0, xt, alphaBar).</summary>
    public static ExerciseResult NoiseOf(Func<Tensor, Tensor, double, Tensor>? noise) => Exercise.Check(
        "The noise in x_t 求 x_t 里的噪声", noise,
        function =>
        {
            using var scope = NewDisposeScope();
            (Tensor x0, Tensor epsilon) = (linspace(-1, 1, 12), linspace(2, -1, 12));
            return ForAll(t => (function(x0, Schedule.Value.AddNoise(x0, epsilon, t), Schedule.Value.AlphasCumprod[t]) - epsilon).abs().max().item<float>() < 1e-4, 50, 350, 900);
        },
        "Solve eq. (4) for ε; use Math.Sqrt of the numbers. 从公式 (4) 解出 ε。");

    /// <summary>A schedule with zero terminal SNR (arXiv 2305.08891, algorithm 1): a function from β to β.</summary>
    public static ExerciseResult ZeroTerminalSnr(Func<double[], double[]>? rescale) => Exercise.Check(
        "The last √ᾱ is 0, the first is kept, and all others are shifted and scaled alike 最后的 √ᾱ 为 0，第一个不变，其余一起平移缩放", rescale,
        function =>
        {
            double[] betas = function([.. Schedule.Value.Betas]);
            NoiseSchedule right = new(new SchedulerConfig { RescaleBetasZeroSnr = true });
            return betas.Length == 1000 && betas.Zip(right.Betas).All(pair => Near(pair.First, pair.Second, 1e-6));
        },
        "√ᾱ → (√ᾱ - √ᾱ_T)·√ᾱ_1/(√ᾱ_1 - √ᾱ_T), squared; then α_t = ᾱ_t/ᾱ_{t-1} and β = 1 - α. 先平移再缩放 √ᾱ，再由相邻的 ᾱ 之比求 β。");

    private static double KeptBetween(int from, int to) => Schedule.Value.Alphas[(from + 1)..(to + 1)].Aggregate(1.0, (product, alpha) => product * alpha);
}
