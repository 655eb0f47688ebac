namespace Taiyi.Schedulers;

/// <summary>
/// DEIS: the exponential integrator whose weights are exact for a predicted noise that follows a polynomial in log ρ, ρ = σ/α
/// (ρAB-DEIS of its authors, "logrho" in diffusers). https://arxiv.org/abs/2204.13902, eq. (14) and (15).
/// </summary>
/// <remarks>Runs end at the least noise level that was trained, as in diffusers.</remarks>
public sealed class DEISMultistepScheduler : LambdaScheduler
{
    private const int ShortRun = 15; // steps below which the last two are of lower order

    /// <summary>Makes the sampler.</summary>
    /// <param name="config">The model's settings; <see cref="SchedulerConfig.SolverOrder"/> 1 to 3.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is not 1 to 3.</exception>
    public DEISMultistepScheduler(SchedulerConfig config)
        : base(config) => DPMSolver.CheckOrder(config, most: 3);

    private protected override AlgorithmType Algorithm => AlgorithmType.DpmSolver;

    private protected override bool EndsAtSigmaMin => true;

    /// <inheritdoc/>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        int left = step.Plan.Calls - step.Index;
        bool lowers = (Config.LowerOrderFinal ?? true) && step.Plan.Calls < ShortRun;
        int most = !HasLength(step.Level, step.Next) ? 1 : lowers ? left : 3;
        int order = Math.Min(Math.Min(Config.SolverOrder, most), step.Past.Count + 1);
        double[] weights = order == 1
            ? [1]
            : MultistepWeights.Exact(Growth(step.Next.Lambda - step.Level.Lambda), [0, .. step.Past.Take(order - 1).Select(call => Place(call.Level, step.Level, step.Next))]);
        return step.To(Transfer(step.Level, step.Next, step.Sample, Mean(step, weights), step.Noise));
    }
}
