using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Pseudo numerical methods: the DDIM step with an ε that is extrapolated from the last four predictions (PLMS). Stable Diffusion's own
/// sampler. https://arxiv.org/abs/2202.09778.
/// </summary>
/// <remarks>
/// As Stable Diffusion has it (<see cref="SchedulerConfig.SkipPrkSteps"/>), n steps call the network n + 1 times: in place of the paper's
/// Runge-Kutta start the second timestep is visited twice. The first visit gives a trial sample, the second goes back and takes the first
/// step again with the mean of both predictions, as Heun's method. With a strength below 1 the cut list usually has no repeated timestep,
/// yet the second step is still taken as the second attempt at the first, from the first sample: that is what diffusers computes, and
/// pictures must equal its own. With the Runge-Kutta start, n steps call the network n + 9 times.
/// </remarks>
/// <param name="config">The model's settings.</param>
public sealed class PNDMScheduler(SchedulerConfig config) : TimestepScheduler(config)
{
    private const int RungeKuttaSteps = 3, RungeKuttaStages = 4;

    /// <inheritdoc/>
    protected internal override int Memory => Config.SkipPrkSteps ? RungeKuttaStages : RungeKuttaSteps * RungeKuttaStages;

    /// <inheritdoc/>
    protected internal override Tensor Prediction(SchedulerStep step) => step.ModelOutput;

    /// <inheritdoc/>
    protected internal override SamplingPlan Plan(SamplingSteps steps)
    {
        double[] timesteps = Timesteps(steps);
        double[] visited = !Config.SkipPrkSteps ? WithRungeKutta(timesteps, steps)
            : timesteps.Length == 1 ? timesteps : [timesteps[0], timesteps[1], .. timesteps[1..]];
        return PlanAt(steps, visited);
    }

    /// <inheritdoc/>
    /// <remarks>Notation (name → PNDM paper): e → e_t, e_{t-δ}, …, the extrapolated one → e'_t of eq. (12), stride → δ, PrevSample → x_{t-δ}.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        int t = (int)step.Level.Timestep, taken = step.Taken;
        if (!Config.SkipPrkSteps && step.Index < RungeKuttaSteps * RungeKuttaStages)
        {
            return RungeKutta(step);
        }

        if (Config.SkipPrkSteps && taken == 1)
        {
            // The second attempt: from the first sample, one stride up, with the mean of the predictions at both ends.
            PastCall first = step.Past[0];
            int from = step.Plan.Stride is { } up ? t + up : (int)first.Level.Timestep;
            return Transfer(first.Sample, from, t, (step.ModelOutput + first.Prediction) / 2);
        }

        // The predictions that were made where a step began: not the second attempt, not the inner stages of Runge-Kutta.
        IEnumerable<Tensor> begun = step.Past.Where((_, k) => Config.SkipPrkSteps ? taken - 1 - k != 1
            : step.Index - 1 - k >= RungeKuttaSteps * RungeKuttaStages || (step.Index - 1 - k) % RungeKuttaStages == 0).Select(call => call.Prediction);
        int previous = step.Plan.Stride is { } stride ? t - stride : (int)step.Next.Timestep;
        return Transfer(step.Sample, t, previous, Extrapolate([step.ModelOutput, .. begun.Take(3)]));
    }

    // e'_t, eq. (12): Adams-Bashforth of the highest order that the remembered predictions allow; the newest comes first.
    private static Tensor Extrapolate(Tensor[] ets) => ets switch
    {
        [var e] => e,
        [var e, var e1] => (3 * e - e1) / 2,
        [var e, var e1, var e2] => (23 * e - 16 * e1 + 5 * e2) / 12,
        [var e, var e1, var e2, var e3, ..] => (55 * e - 59 * e1 + 37 * e2 - 9 * e3) / 24,
        [] => throw new InvalidOperationException("There is at least the present prediction."),
    };

    // x_{t-δ} = φ(x_t, ε, t, t-δ), the transfer part: eq. (11), DDIM's step in a form that stays exact when ᾱ hardly changes.
    private SchedulerOutput Transfer(Tensor x, int t, int previousTimestep, Tensor output)
    {
        double a = NoiseSchedule.AlphasCumprod[t], aPrev = AlphaCumprod(previousTimestep);
        double alpha = Math.Sqrt(a), sigma = Math.Sqrt(1 - a);
        Tensor epsilon = Schedulers.Prediction.Epsilon(Config.PredictionType, output, x, alpha, sigma);
        double denominator = a * Math.Sqrt(1 - aPrev) + Math.Sqrt(a * (1 - a) * aPrev);
        Tensor prevSample = Math.Sqrt(aPrev / a) * x - (aPrev - a) / denominator * epsilon;
        return new SchedulerOutput(prevSample, Schedulers.Prediction.OriginalSample(Config.PredictionType, output, x, alpha, sigma));
    }

    // Three steps of the classical Runge-Kutta method, eq. (13): stages at t, twice half-way, and at t-δ, all from the first stage's sample.
    private SchedulerOutput RungeKutta(SchedulerStep step)
    {
        int stage = step.Index % RungeKuttaStages, back = Math.Min(stage, step.Past.Count);
        (Tensor x, int t) = back == 0 ? (step.Sample, (int)step.Level.Timestep) : (step.Past[back - 1].Sample, (int)step.Past[back - 1].Level.Timestep);
        int stride = step.Plan.Stride ?? (int)(step.Level.Timestep - step.Next.Timestep);
        int previous = (int)step.Level.Timestep - (stage % 2 == 0 ? stride / 2 : 0);
        Tensor output = stage < 3 || back < 3
            ? step.ModelOutput
            : (step.Past[2].Prediction + 2 * step.Past[1].Prediction + 2 * step.Past[0].Prediction + step.ModelOutput) / 6;
        return Transfer(x, t, previous, output);
    }

    private double[] WithRungeKutta(double[] timesteps, SamplingSteps steps)
    {
        if (steps.Count < RungeKuttaSteps + 1 || steps.Timesteps is not null || steps.Sigmas is not null)
        {
            throw new ArgumentException($"PNDM's Runge-Kutta start (skip_prk_steps false) takes {RungeKuttaSteps} of at least {RungeKuttaSteps + 1} evenly spaced steps, but {steps.Count} were asked for: take more, or set SkipPrkSteps.");
        }

        // As in diffusers the start walks the three noisiest timesteps, and its third step begins where PLMS goes on.
        int half = Config.NumTrainTimesteps / steps.Count / 2;
        List<double> visited = [];
        for (int i = 0; i < RungeKuttaSteps; i++)
        {
            double middle = timesteps[i + 1] + half;
            visited.AddRange([timesteps[i], middle, middle, timesteps[i + 1]]);
        }

        return [.. visited, .. timesteps[3..]];
    }
}
