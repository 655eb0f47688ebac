namespace Taiyi.Schedulers;

/// <summary>
/// DPM-Solver++ in multiple steps: 2M, good in 20 to 25 steps, 3M, and their stochastic forms (2M SDE, 3M SDE); also DPM-Solver, for the
/// predicted noise. https://arxiv.org/abs/2211.01095, Algorithm 2 and appendix B; https://arxiv.org/abs/2206.00927.
/// </summary>
public sealed class DPMSolverMultistepScheduler : LambdaScheduler
{
    private const int ShortRun = 15; // steps below which the last two are of lower order

    /// <summary>Makes the sampler.</summary>
    /// <param name="config">The model's settings; <see cref="SchedulerConfig.SolverOrder"/> 1 to 3.</param>
    /// <exception cref="ArgumentException">The order is not 1 to 3, or a stochastic DPM-Solver is to end without noise.</exception>
    public DPMSolverMultistepScheduler(SchedulerConfig config)
        : base(config) => DPMSolver.Check(config);

    private protected override AlgorithmType Algorithm => DPMSolver.AlgorithmOf(Config);

    private protected override bool RoundsTimesteps => Config.BetaSchedule != BetaSchedule.SquaredcosCapV2;

    /// <inheritdoc/>
    /// <remarks>Notation (name → DPM-Solver++ Algorithm 2): Level → i-1, Next → i; h → h_i, r0 → r_i, Mean → D_i, the result → x̃_i.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        double h = step.Next.Lambda - step.Level.Lambda, z = Growth(h);
        double r0 = 0, r1 = 0; // lengths of the steps before, in units of this one
        int order = Order(step);
        if (order > 1)
        {
            r0 = (step.Level.Lambda - step.Past[0].Level.Lambda) / h;
        }

        if (order > 2)
        {
            r1 = (step.Past[0].Level.Lambda - step.Past[1].Level.Lambda) / h;
        }

        double[] weights = order switch
        {
            1 => [1],
            2 when Config.SolverType == SolverType.Heun => MultistepWeights.Exact(z, 0, -r0),
            2 => [1 + 1 / (2 * r0), -1 / (2 * r0)],
            _ => ThirdOrder(z, r0, r1),
        };
        return step.To(Transfer(step.Level, step.Next, step.Sample, Mean(step, weights), step.Noise));
    }

    // m̄ = m + φ₂/φ₁ D₁ + φ₃/φ₁ D₂ with divided differences, and D₂ half the second derivative, as in the authors' own program.
    // (diffusers has the sign of the last term wrong in the stochastic form; this one is k-diffusion's sample_dpmpp_3m_sde.)
    private static double[] ThirdOrder(double z, double r0, double r1)
    {
        double second = MultistepWeights.Phi(2, z) / MultistepWeights.Phi(1, z), third = MultistepWeights.Phi(3, z) / MultistepWeights.Phi(1, z);
        double curve = (second * r0 + third) / (r0 + r1);    // of (D₁₀ - D₁₁), D₁₀ = (m₀ - m₁)/r₀, D₁₁ = (m₁ - m₂)/r₁
        double slope = second + curve;                       // of D₁₀
        return [1 + slope / r0, -slope / r0 - curve / r1, curve / r1];
    }

    private int Order(SchedulerStep step)
    {
        int left = step.Plan.Calls - step.Index;
        bool lowers = (Config.LowerOrderFinal ?? true) && step.Plan.Calls < ShortRun;
        bool first = left == 1 && (lowers || Config.EulerAtFinal || !EndsAtSigmaMin);
        int most = first || !HasLength(step.Level, step.Next) ? 1 : lowers && left == 2 ? 2 : 3;
        return Math.Min(Math.Min(Config.SolverOrder, most), step.Past.Count + 1);
    }
}
