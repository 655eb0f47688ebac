namespace Taiyi.Schedulers;

/// <summary>
/// Schedules for few steps, found by a search for the smallest discretisation error: Align Your Steps,
/// https://arxiv.org/abs/2404.14507 and the table that its authors published for Stable Diffusion 1.5.
/// </summary>
/// <remarks>They hold for that model and its noise schedule; for others they are a good guess and no more.</remarks>
public static class AlignYourSteps
{
    /// <summary>The timesteps of ten steps, for <see cref="Scheduler.BeginAt"/>.</summary>
    public static IReadOnlyList<double> StableDiffusion15Timesteps { get; } = [999, 850, 736, 645, 545, 455, 343, 233, 124, 24];

    /// <summary>The noise levels of ten steps and the end without noise, for <see cref="Scheduler.BeginAtSigmas"/>.</summary>
    public static IReadOnlyList<double> StableDiffusion15Sigmas { get; } = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0];

    /// <summary>The same for any number of steps: log σ is interpolated linearly between the ten published levels, as the authors advise.</summary>
    /// <param name="steps">1 or more.</param>
    /// <returns>steps + 1 levels, the last 0.</returns>
    public static double[] Sigmas(int steps)
    {
        double[] table = [.. StableDiffusion15Sigmas.Take(StableDiffusion15Sigmas.Count - 1)];
        double At(double place)
        {
            int below = Math.Min((int)place, table.Length - 2);
            return Math.Exp(Math.Log(table[below]) + (place - below) * Math.Log(table[below + 1] / table[below]));
        }

        return [.. Enumerable.Range(0, steps).Select(i => steps == 1 ? table[0] : At(i * (table.Length - 1.0) / (steps - 1))), 0];
    }
}
