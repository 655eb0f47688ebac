using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Pseudo linear multistep sampling (PLMS, the second half of PNDM): the DDIM step with an ε that is extrapolated from the last four
/// predictions. Stable Diffusion's own sampler. https://arxiv.org/abs/2202.09778.
/// </summary>
/// <remarks>
/// n steps call the network n + 1 times. In place of the paper's Runge-Kutta start, the second timestep is visited twice: the first
/// visit gives a trial sample, the second goes back and takes the first step again with the mean of both predictions, as Heun's method.
/// </remarks>
/// <param name="config">The model's settings.</param>
public sealed class PNDMScheduler(SchedulerConfig config) : IScheduler
{
    private readonly StepSequence _steps = new();
    private readonly List<Tensor> _ets = []; // the last four e_t, oldest first, (B, C, H, W) float32
    private Tensor? _firstSample;            // where the first step began, kept for its second attempt
    private int _stride;

    /// <inheritdoc/>
    public SchedulerConfig Config { get; } = config;

    /// <inheritdoc/>
    public NoiseSchedule NoiseSchedule { get; } = new(config);

    /// <inheritdoc/>
    public IReadOnlyList<double> Timesteps => _steps.Timesteps;

    /// <inheritdoc/>
    public double InitNoiseSigma => 1;

    /// <inheritdoc/>
    /// <remarks>
    /// With a strength below 1 the cut list usually has no repeated timestep, yet the second step is still taken as the second attempt
    /// at the first, from the first sample: that is what diffusers computes, and pictures must equal its own.
    /// </remarks>
    public void SetTimesteps(int numInferenceSteps, double strength = 1.0)
    {
        double[] timesteps = TimestepGrid.Whole(Config, Config.TimestepSpacing ?? TimestepSpacing.Leading, numInferenceSteps);
        double[] repeated = timesteps.Length == 1 ? timesteps : [timesteps[0], timesteps[1], .. timesteps[1..]];
        _steps.Start(repeated, numInferenceSteps, strength);
        _stride = Config.NumTrainTimesteps / numInferenceSteps;
        Forget();
    }

    /// <inheritdoc/>
    public Tensor ScaleModelInput(Tensor sample, double timestep)
    {
        _steps.Coming(timestep);
        return sample.alias();
    }

    /// <inheritdoc/>
    /// <remarks>Notation (name → PNDM paper): _ets → e_t, e_{t-δ}, …, extrapolated → e'_t of eq. (12), stride → δ, prevSample → x_{t-δ}.</remarks>
    public SchedulerOutput Step(Tensor modelOutput, double timestep, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null)
    {
        _steps.Coming(timestep);
        using var scope = NewDisposeScope();
        Tensor x = sample.to(float32), output = modelOutput.to(float32), extrapolated;
        int t = (int)timestep;
        if (_steps.Taken == 1)
        {
            // The second attempt: from the first sample, one stride up, with the mean of the predictions at both ends.
            t += _stride;
            x = _firstSample!;
            extrapolated = (output + _ets[0]) / 2;
        }
        else
        {
            Remember(output, x);
            extrapolated = Extrapolate();
        }

        (Tensor prevSample, Tensor predOriginalSample) = Transfer(x, t, t - _stride, extrapolated);
        _steps.Advance();
        return new SchedulerOutput(prevSample.to(sample.dtype).MoveToOuterDisposeScope(), predOriginalSample.to(sample.dtype).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public Tensor AddNoise(Tensor originalSamples, Tensor noise, double timestep)
    {
        _steps.IndexOf(timestep);
        return NoiseSchedule.AddNoise(originalSamples, noise, (int)timestep);
    }

    /// <summary>Frees the remembered predictions.</summary>
    public void Dispose() => Forget();

    // e'_t, eq. (12): Adams-Bashforth of the highest order that the remembered predictions allow.
    private Tensor Extrapolate() => _ets switch
    {
        [var e] => e,
        [var e1, var e] => (3 * e - e1) / 2,
        [var e2, var e1, var e] => (23 * e - 16 * e1 + 5 * e2) / 12,
        [var e3, var e2, var e1, var e, ..] => (55 * e - 59 * e1 + 37 * e2 - 9 * e3) / 24,
        [] => throw new InvalidOperationException("A prediction is remembered before it is extrapolated."),
    };

    // x_{t-δ} = φ(x_t, ε, t, t-δ), the transfer part: eq. (11), DDIM's step in a form that stays exact when ᾱ hardly changes.
    private (Tensor PrevSample, Tensor PredOriginalSample) Transfer(Tensor x, int t, int previousTimestep, Tensor output)
    {
        double[] alphasCumprod = NoiseSchedule.AlphasCumprod;
        double a = alphasCumprod[t];
        double aPrev = previousTimestep >= 0 ? alphasCumprod[previousTimestep] : Config.SetAlphaToOne ? 1 : alphasCumprod[0];
        double alpha = Math.Sqrt(a), sigma = Math.Sqrt(1 - a);
        Tensor epsilon = Prediction.Epsilon(Config.PredictionType, output, x, alpha, sigma);
        double denominator = a * Math.Sqrt(1 - aPrev) + Math.Sqrt(a * (1 - a) * aPrev);
        Tensor prevSample = Math.Sqrt(aPrev / a) * x - (aPrev - a) / denominator * epsilon;
        return (prevSample, Prediction.OriginalSample(Config.PredictionType, output, x, alpha, sigma));
    }

    private void Remember(Tensor output, Tensor x)
    {
        if (_steps.Taken == 0)
        {
            _firstSample = x.clone().DetachFromDisposeScope();
        }

        if (_ets.Count == 4)
        {
            _ets[0].Dispose();
            _ets.RemoveAt(0);
        }

        _ets.Add(output.clone().DetachFromDisposeScope());
    }

    private void Forget()
    {
        _ets.ForEach(e => e.Dispose());
        _ets.Clear();
        _firstSample?.Dispose();
        _firstSample = null;
    }
}
