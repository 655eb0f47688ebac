namespace Taiyi.Schedulers;

/// <summary>
/// DPM-Solver++ in single steps (2S, 3S): calls come in blocks of one, two or three, and each call of a block goes from the block's first
/// sample again, with all the predictions of the block. https://arxiv.org/abs/2211.01095, Algorithm 1; https://arxiv.org/abs/2206.00927,
/// Algorithms 1 and 2.
/// </summary>
/// <remarks>n steps call the network n times, as in multiple steps: a block of two is two of the n.</remarks>
public sealed class DPMSolverSinglestepScheduler : LambdaScheduler
{
    /// <summary>Makes the sampler.</summary>
    /// <param name="config">The model's settings; <see cref="SchedulerConfig.SolverOrder"/> 1 to 3 is the length of the blocks.</param>
    /// <exception cref="ArgumentException">The order is not 1 to 3, or a stochastic DPM-Solver is to end without noise.</exception>
    public DPMSolverSinglestepScheduler(SchedulerConfig config)
        : base(config) => DPMSolver.Check(config);

    private protected override AlgorithmType Algorithm => DPMSolver.AlgorithmOf(Config);

    private protected override TimestepSpacing Spacing => TimestepSpacing.Linspace; // the only one that it has in diffusers

    /// <inheritdoc/>
    /// <remarks>Notation (name → DPM-Solver): start → s, Next → t, r → r₁, r₂: the places of the block's calls between them.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        int order = Math.Min(OrderAt(step.Index, step.Plan.Calls), step.Past.Count + 1);
        if (order == 1)
        {
            return step.To(Transfer(step.Level, step.Next, step.Sample, step.Prediction, step.Noise));
        }

        PastCall start = step.Past[order - 2];
        double z = Growth(step.Next.Lambda - start.Level.Lambda), r = Place(step.Level, start.Level, step.Next);
        double[] weights = (order, Config.SolverType) switch
        {
            (2, SolverType.Heun) => MultistepWeights.Exact(z, r, 0),
            (2, _) => [1 / (2 * r), 1 - 1 / (2 * r)],
            (_, SolverType.Heun) => MultistepWeights.Exact(z, r, Place(step.Past[0].Level, start.Level, step.Next), 0),
            _ => Slope(MultistepWeights.Phi(2, z) / MultistepWeights.Phi(1, z) / r), // of third order by the choice of its points
        };
        return step.To(Transfer(start.Level, step.Next, start.Sample, Mean(step, weights), step.Noise));

        static double[] Slope(double weight) => [weight, 0, 1 - weight];
    }

    // 1, 2(, 3) in turn. Where the blocks come out even the last call is of first order all the same, as is every step to σ = 0.
    private int OrderAt(int index, int calls)
    {
        int order = Config.SolverOrder;
        bool lowersLast = !EndsAtSigmaMin || ((Config.LowerOrderFinal ?? false) && calls % order == 0);
        return index == calls - 1 && lowersLast ? 1 : index % order + 1;
    }
}
