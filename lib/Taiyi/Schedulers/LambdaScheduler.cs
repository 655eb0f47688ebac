using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Exponential integrators: samplers that solve the linear part of the diffusion equation exactly and walk along λ = log(α/σ):
/// DPM-Solver (++), DEIS, UniPC. Their samples are α x₀ + σ ε with α² + σ² = 1.
/// </summary>
/// <remarks>
/// From s to t, h = λ_t - λ_s, every one of them is x_t = a x_s + b m̄ (+ c z): the coefficients are those of the equation
/// (<see cref="Transfer"/>), and m̄ is the mean of the prediction over the step, which each sampler estimates by weights of its own
/// from predictions at known λ. https://arxiv.org/abs/2211.01095 eq. (9), https://arxiv.org/abs/2206.00927 eq. (3.4).
/// </remarks>
/// <param name="config">The model's settings and the sampler's.</param>
public abstract class LambdaScheduler(SchedulerConfig config) : Scheduler(config)
{
    // Steps in λ that are shorter have no use for earlier predictions; a run that ends at the level of its last call has one of length 0.
    private const double ShortestStep = 1e-9;

    private const double NotQuite = 1e-6;

    /// <inheritdoc/>
    protected internal override int Memory => Config.SolverOrder - 1;

    /// <summary>Which equation is solved: in the predicted x₀ or the predicted ε, ordinary or stochastic.</summary>
    private protected abstract AlgorithmType Algorithm { get; }

    private protected virtual bool EndsAtSigmaMin => Config.FinalSigmasType == FinalSigmasType.SigmaMin;

    /// <summary>Whether Karras' and Lu's levels are rounded to whole timesteps for the network to be told; cut off else.</summary>
    private protected virtual bool RoundsTimesteps => true;

    /// <summary>How the sampler's timesteps are placed.</summary>
    private protected virtual TimestepSpacing Spacing => Config.TimestepSpacing ?? TimestepSpacing.Linspace;

    /// <inheritdoc/>
    protected internal override SamplingPlan Plan(SamplingSteps steps)
    {
        NoiseLevel[] levels = Levels(steps);
        return new SamplingPlan(levels, levels.Length - 1);
    }

    /// <inheritdoc/>
    /// <remarks>x̂₀ for the ++ algorithms, ε̂ for the others; of a clipped x̂₀ the ε that goes with it.</remarks>
    protected internal override Tensor Prediction(SchedulerStep step) =>
        Algorithm is AlgorithmType.DpmSolverPlusPlus or AlgorithmType.SdeDpmSolverPlusPlus ? step.OriginalSample
        : Config.Thresholding || Config.ClipSample ? (step.Sample - step.Level.Alpha * step.OriginalSample) / step.Level.Sigma
        : step.Epsilon;

    /// <summary>x_t from x_s and the mean prediction m̄ of the step.</summary>
    /// <param name="s">Where the step begins.</param>
    /// <param name="t">Where it ends.</param>
    /// <param name="x">x_s.</param>
    /// <param name="mean">m̄.</param>
    /// <param name="noise">Draws z for the stochastic equations.</param>
    private protected Tensor Transfer(NoiseLevel s, NoiseLevel t, Tensor x, Tensor mean, Func<Tensor> noise)
    {
        double h = t.Lambda - s.Lambda;
        switch (Algorithm)
        {
            case AlgorithmType.DpmSolver:              // 2206.00927 eq. (3.4); α_t σ_s/α_s - σ_t = σ_t (e^h - 1), finite for σ_t = 0 too
                return t.Alpha / s.Alpha * x - (t.Alpha * s.Ratio - t.Sigma) * mean;
            case AlgorithmType.SdeDpmSolver:           // 2211.01095 eq. (18)
                return t.Alpha / s.Alpha * x - 2 * (t.Alpha * s.Ratio - t.Sigma) * mean + t.Sigma * Math.Sqrt(Math.Exp(2 * h) - 1) * noise();
            case AlgorithmType.SdeDpmSolverPlusPlus:   // 2211.01095 eq. (19)
                double fresh = 1 - Math.Exp(-2 * h);
                return t.Sigma / s.Sigma * Math.Exp(-h) * x + t.Alpha * fresh * mean + t.Sigma * Math.Sqrt(fresh) * noise();
            default:                                   // 2211.01095 eq. (9)
                return t.Sigma / s.Sigma * x - t.Alpha * (Math.Exp(-h) - 1) * mean;
        }
    }

    /// <summary>z of <see cref="MultistepWeights"/>: how the equation weighs the prediction along a step of length h.</summary>
    private protected double Growth(double h) => Algorithm switch
    {
        AlgorithmType.DpmSolverPlusPlus => -h,
        AlgorithmType.SdeDpmSolverPlusPlus => -2 * h,
        _ => h,
    };

    /// <summary>Whether a step can be of higher order: not where it has no length, nor to σ = 0, where λ is infinite.</summary>
    private protected static bool HasLength(NoiseLevel s, NoiseLevel t) => Math.Abs(t.Lambda - s.Lambda) is > ShortestStep and < double.PositiveInfinity;

    /// <summary>The place of a level on the step from s to t: 0 at s, 1 at t.</summary>
    private protected static double Place(NoiseLevel level, NoiseLevel s, NoiseLevel t) => (level.Lambda - s.Lambda) / (t.Lambda - s.Lambda);

    /// <summary>m̄ = Σ w_k m_k over the present prediction and those before, newest first.</summary>
    private protected static Tensor Mean(SchedulerStep step, ReadOnlySpan<double> weights)
    {
        Tensor sum = weights[0] == 1 ? step.Prediction : weights[0] * step.Prediction;
        for (int k = 1; k < weights.Length; k++)
        {
            sum = sum + weights[k] * step.Past[k - 1].Prediction;
        }

        return sum;
    }

    // One level a step, and the one that the run ends at.
    private NoiseLevel[] Levels(SamplingSteps steps)
    {
        if (steps.Sigmas is { } given)
        {
            return [.. given.Select(sigma => NoiseLevel.Preserving(Math.Round(NoiseSchedule.TimestepOf(sigma)), sigma))];
        }

        double least = NoiseSchedule.Sigma(0);
        if (steps.Timesteps is not null || Config.Sigmas == SigmaSchedule.Timesteps)
        {
            double[] timesteps = steps.Timesteps is { } list ? [.. list.Select(Math.Truncate)] : TimestepGrid.WholeWithFinal(Config, Spacing, steps.Count, LastTimestep());
            return [.. timesteps.Select(t => NoiseLevel.Preserving(t, NoiseSchedule.Sigma(t))), Final(least)];
        }

        double[] sigmas = SigmaTables.Between(Config.Sigmas, Config.SigmaMax ?? NoiseSchedule.Sigma(Config.NumTrainTimesteps - 1), Config.SigmaMin ?? least, steps.Count);
        return [.. sigmas.Select(sigma => NoiseLevel.Preserving(WholeTimestep(sigma), sigma)), Final(Config.SigmaMin ?? least)];
    }

    private NoiseLevel Final(double least) => NoiseLevel.Preserving(-1, EndsAtSigmaMin ? least : 0);

    // As diffusers: the nearest timestep for levels after Karras and Lu, the one below for the others. The noisiest level's timestep, T - 1,
    // is not quite reached in its float32, so T - 2 is told.
    private double WholeTimestep(double sigma)
    {
        double t = NoiseSchedule.TimestepOf(sigma);
        bool rounds = Config.Sigmas is SigmaSchedule.Karras or SigmaSchedule.Lu ? RoundsTimesteps : Config.Sigmas == SigmaSchedule.AlignYourSteps;
        return rounds ? Math.Round(t) : Math.Max(0, Math.Floor(t - NotQuite));
    }

    // Timesteps whose λ is below the least wanted are left out; critical for the cosine schedule.
    private int LastTimestep() => Config.LambdaMinClipped is { } least
        ? Math.Max(1, Enumerable.Range(0, Config.NumTrainTimesteps).Count(t => -Math.Log(NoiseSchedule.Sigma(t)) >= least))
        : Config.NumTrainTimesteps;
}
