namespace Taiyi.Schedulers;

/// <summary>β_t of every training step, in the shapes that models were trained with.</summary>
internal static class BetaTables
{
    /// <summary>The table that the settings describe, T values in (0, 1]; the last is 1 with zero terminal SNR.</summary>
    public static double[] Of(SchedulerConfig config)
    {
        double[] betas = config.TrainedBetas is { } trained ? [.. trained] : Formula(config);
        return config.RescaleBetasZeroSnr ? ZeroTerminalSnr(betas) : betas;
    }

    private static double[] Formula(SchedulerConfig config)
    {
        int count = config.NumTrainTimesteps;
        (double start, double end) = (config.BetaStart, config.BetaEnd);
        return config.BetaSchedule switch
        {
            BetaSchedule.Linear => Linspace(start, end, count),
            BetaSchedule.ScaledLinear => [.. Linspace(Math.Sqrt(start), Math.Sqrt(end), count).Select(root => root * root)],
            BetaSchedule.Sigmoid => [.. Linspace(-6, 6, count).Select(x => start + (end - start) / (1 + Math.Exp(-x)))],
            BetaSchedule.SquaredcosCapV2 => OfAlphaBar(count, time => Math.Pow(Math.Cos((time + 0.008) / 1.008 * Math.PI / 2), 2)),
            BetaSchedule.Exp => OfAlphaBar(count, time => Math.Exp(-12 * time)),
            BetaSchedule.Laplace => OfAlphaBar(count, Laplace),
            _ => throw new ArgumentOutOfRangeException(null, $"The beta schedule is {config.BetaSchedule}; it must be one of {string.Join(", ", Enum.GetNames<BetaSchedule>())}."),
        };
    }

    // https://arxiv.org/abs/2407.03297 table 1, as diffusers has it: log SNR follows a Laplace distribution of scale 1/2.
    private static double Laplace(double time)
    {
        double log = -0.5 * Math.CopySign(1, 0.5 - time) * Math.Log(1 - 2 * Math.Abs(0.5 - time) + 1e-6);
        double snr = Math.Exp(log);
        return Math.Sqrt(snr / (1 + snr));
    }

    private static double[] Linspace(double first, double last, int count) =>
        [.. Enumerable.Range(0, count).Select(i => count == 1 ? first : first + i * (last - first) / (count - 1))];

    // Improved DDPM, https://arxiv.org/abs/2102.09672 eq. (17); β is capped below 1, where the last step would leave no signal.
    private static double[] OfAlphaBar(int count, Func<double, double> alphaBar) =>
        [.. Enumerable.Range(0, count).Select(i => Math.Min(1 - alphaBar((i + 1.0) / count) / alphaBar((double)i / count), 0.999))];

    // Algorithm 1 of https://arxiv.org/abs/2305.08891: √ᾱ is shifted so that its last value is 0, and scaled so that its first stays.
    private static double[] ZeroTerminalSnr(double[] betas)
    {
        double[] roots = new double[betas.Length];
        double product = 1;
        for (int t = 0; t < betas.Length; t++)
        {
            roots[t] = Math.Sqrt(product *= 1 - betas[t]);
        }

        (double first, double last) = (roots[0], roots[^1]);
        double[] bars = [.. roots.Select(root => Math.Pow((root - last) * first / (first - last), 2))];
        return [.. bars.Select((bar, t) => 1 - bar / (t == 0 ? 1 : bars[t - 1]))];
    }
}
