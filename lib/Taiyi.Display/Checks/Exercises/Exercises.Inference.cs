using Taiyi.Schedulers;

namespace Taiyi.Display;

/// <summary>Notebook 08.</summary>
public static partial class Exercises
{
    /// <summary>The seed of a picture: a function of (seed, index).</summary>
    public static ExerciseResult SeedOfPicture(Func<long, int, long>? seed) => Exercise.Check(
        "The seed that draws images[i] alone 单独画出 images[i] 的种子", seed,
        function => function(1000, 3) == 1003 && function(7, 0) == 7,
        "Files count from 0, seeds from the seed that was given. 下标从 0 数起，种子从给定的数起。");

    /// <summary>The α that a file must state so that weight 1 draws what weight w drew: a function of (alpha, w).</summary>
    public static ExerciseResult AlphaForWeight(Func<double, double, double>? alpha) => Exercise.Check(
        "With this α the weight 1 gives the same picture 用这个 α，权重 1 得到同样的图", alpha,
        function => Near(function(16, 0.5), 8, 1e-9) && Near(function(8, 0.75), 6, 1e-9),
        "Only the product w · α / r counts. 只有 w·α/r 起作用。");

    /// <summary>Steps that image to image runs: a function of (steps, strength).</summary>
    public static ExerciseResult StepsOfStrength(Func<int, double, int>? run) => Exercise.Check(
        "The steps that image to image runs 图生图实际走的步数", run,
        function => ForAll<(int Steps, double Strength)>(one =>
        {
            using SchedulerRun ddim = Scheduler.Create("ddim", new SchedulerConfig()).Begin(one.Steps, one.Strength);
            return function(one.Steps, one.Strength) == ddim.Timesteps.Count;
        }, (50, 0.3), (25, 0.5), (10, 1.0)),
        "The strength is the share of the steps that is run, rounded down. 强度是实际走的比例，向下取整。");
}
