using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// UniPC: a multistep predictor (UniP), and a corrector (UniC) that takes the last step again once the network has been asked where it led.
/// It costs no further call. https://arxiv.org/abs/2302.04867, Algorithms 5 and 6.
/// </summary>
/// <remarks>
/// Where their order has more than one unknown, predictor and corrector have the weights that are exact for polynomials, whatever B(h)
/// is; B(h) matters for UniP-2 and UniC-1, whose one weight is a half of it. The step to σ = 0 is of first order (diffusers with "bh1" gives NaN there).
/// </remarks>
public sealed class UniPCMultistepScheduler : LambdaScheduler
{
    /// <summary>Makes the sampler.</summary>
    /// <param name="config">The model's settings; <see cref="SchedulerConfig.SolverOrder"/> 1 to 4.</param>
    /// <exception cref="ArgumentOutOfRangeException">The order is not 1 to 4.</exception>
    public UniPCMultistepScheduler(SchedulerConfig config)
        : base(config) => DPMSolver.CheckOrder(config, most: 4);

    private protected override AlgorithmType Algorithm => Config.PredictX0 ? AlgorithmType.DpmSolverPlusPlus : AlgorithmType.DpmSolver;

    /// <inheritdoc/>
    protected internal override int Memory => Config.SolverOrder; // the corrector looks back one call further

    /// <inheritdoc/>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        if (step.Past.Count > 0 && !Config.DisableCorrector.Contains(step.Index - 1))
        {
            step.Sample = Corrected(step);
        }

        return step.To(Transfer(step.Level, step.Next, step.Sample, Mean(step, PredictorWeights(step)), step.Noise));
    }

    // UniP-p, eq. (9): the present prediction at r = 0 and p - 1 before it.
    private double[] PredictorWeights(SchedulerStep step)
    {
        int order = Order(step.Plan, step.Index, step.Taken);
        if (order == 1 || !HasLength(step.Level, step.Next))
        {
            return [1];
        }

        double z = Growth(step.Next.Lambda - step.Level.Lambda);
        double[] places = [.. step.Past.Take(order - 1).Select(call => Place(call.Level, step.Level, step.Next))];
        double half = Half(z) / places[0];
        return order == 2 ? [1 - half, half] : MultistepWeights.Exact(z, [0, .. places]);
    }

    // UniC-p, eq. (8): the step before once more, now with the prediction at its end, r = 1.
    private Tensor Corrected(SchedulerStep step)
    {
        PastCall start = step.Past[0];
        if (!HasLength(start.Level, step.Level))
        {
            return step.Sample;
        }

        int order = Order(step.Plan, step.Index - 1, step.Taken - 1);
        double z = Growth(step.Level.Lambda - start.Level.Lambda);
        double[] places = [1, .. step.Past.Take(order).Select(call => Place(call.Level, start.Level, step.Level))];
        double[] weights = order == 1 ? [Half(z), 1 - Half(z)] : MultistepWeights.Exact(z, places);
        return Transfer(start.Level, step.Level, start.Sample, Mean(step, weights), step.Noise);
    }

    // B(h)/2 in units of e^z - 1, by which the mean is multiplied.
    private double Half(double z) => Config.SolverType == SolverType.Bh1 ? 0.5 / MultistepWeights.Phi(1, z) : 0.5;

    private int Order(SamplingPlan plan, int index, int taken)
    {
        int most = Config.LowerOrderFinal ?? true ? plan.Calls - index : Config.SolverOrder;
        return Math.Min(Math.Min(Config.SolverOrder, most), taken + 1);
    }
}
