namespace Taiyi.Schedulers;

/// <summary>What DPM-Solver's two forms, in multiple and in single steps, have in common.</summary>
internal static class DPMSolver
{
    /// <summary>The algorithm that the settings name; a value that is another sampler's counts as none, as in diffusers.</summary>
    public static AlgorithmType AlgorithmOf(SchedulerConfig config) =>
        config.AlgorithmType is { } named and not AlgorithmType.Deis ? named : AlgorithmType.DpmSolverPlusPlus;

    /// <exception cref="ArgumentException">The settings do not go together.</exception>
    public static void Check(SchedulerConfig config)
    {
        CheckOrder(config, most: 3);
        if (AlgorithmOf(config) == AlgorithmType.SdeDpmSolver && config.FinalSigmasType == FinalSigmasType.Zero)
        {
            throw new ArgumentException("The stochastic DPM-Solver (algorithm_type sde-dpmsolver) cannot end without noise: final_sigmas_type is sigma_min with it, or take sde-dpmsolver++.");
        }
    }

    /// <exception cref="ArgumentOutOfRangeException">The solver has no such order.</exception>
    public static void CheckOrder(SchedulerConfig config, int most)
    {
        if (config.SolverOrder < 1 || config.SolverOrder > most)
        {
            throw new ArgumentOutOfRangeException(null, $"The solver's order is {config.SolverOrder}; this one takes 1 to {most}; 2 is usual with guidance.");
        }
    }
}
