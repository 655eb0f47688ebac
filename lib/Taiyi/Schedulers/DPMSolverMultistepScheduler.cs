using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// DPM-Solver++ (2M): a multistep solver of second order for the predicted x₀, good in 20 to 25 steps.
/// https://arxiv.org/abs/2211.01095, Algorithm 2.
/// </summary>
/// <param name="config">The model's settings.</param>
/// <param name="useKarrasSigmas">Places the noise levels by eq. (5) of EDM, denser at the clean end, in place of the timestep spacing.</param>
public sealed class DPMSolverMultistepScheduler(SchedulerConfig config, bool useKarrasSigmas = false) : IScheduler
{
    private readonly StepSequence _steps = new();
    private double[] _sigmas = [];
    private Tensor? _previousOriginalSample; // x̂₀ of the step before, (B, C, H, W) float32

    /// <inheritdoc/>
    public SchedulerConfig Config { get; } = config;

    /// <inheritdoc/>
    public NoiseSchedule NoiseSchedule { get; } = new(config);

    /// <summary>Whether the noise levels are those of EDM eq. (5).</summary>
    public bool UseKarrasSigmas { get; } = useKarrasSigmas;

    /// <inheritdoc/>
    public IReadOnlyList<double> Timesteps => _steps.Timesteps;

    /// <summary>The noise levels σ/α from pure noise to 0, one more than the steps from pure noise.</summary>
    public IReadOnlyList<double> Sigmas => _sigmas;

    /// <inheritdoc/>
    public double InitNoiseSigma => 1;

    /// <inheritdoc/>
    public void SetTimesteps(int numInferenceSteps, double strength = 1.0)
    {
        double[] sigmas, timesteps;
        if (UseKarrasSigmas)
        {
            TimestepGrid.RequireStepCount(Config, numInferenceSteps);
            sigmas = KarrasSigmas(numInferenceSteps);
            timesteps = [.. sigmas.Select(NearestTimestep)];
        }
        else
        {
            timesteps = TimestepGrid.WholeWithFinalZero(Config, Config.TimestepSpacing ?? TimestepSpacing.Linspace, numInferenceSteps);
            sigmas = [.. timesteps.Select(NoiseSchedule.Sigma)];
        }

        _steps.Start(timesteps, numInferenceSteps, strength);
        _sigmas = [.. sigmas, 0];
        Forget();
    }

    /// <inheritdoc/>
    public Tensor ScaleModelInput(Tensor sample, double timestep)
    {
        _steps.Coming(timestep);
        return sample.alias();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Notation (name → DPM-Solver++ Algorithm 2): (alpha, sigma, lambda) at s → step i-1, at t → step i; h → h_i, r → r_i,
    /// predOriginalSample → x_θ(x̃_{i-1}, t_{i-1}), d → D_i, prevSample → x̃_i.
    /// </remarks>
    public SchedulerOutput Step(Tensor modelOutput, double timestep, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null)
    {
        int index = _steps.Coming(timestep);
        using var scope = NewDisposeScope();
        Tensor x = sample.to(float32), output = modelOutput.to(float32);
        (double alphaS, double sigmaS, double lambdaS) = Rates(_sigmas[index]);
        (double alphaT, double sigmaT, double lambdaT) = Rates(_sigmas[index + 1]);
        Tensor predOriginalSample = Prediction.OriginalSample(Config.PredictionType, output, x, alphaS, sigmaS);

        // First order where there is no earlier prediction, and at the end, where λ is infinite.
        double h = lambdaT - lambdaS;
        Tensor d = predOriginalSample;
        if (_previousOriginalSample is { } previous && sigmaT > 0)
        {
            double r = (lambdaS - Rates(_sigmas[index - 1]).Lambda) / h;
            d = (1 + 1 / (2 * r)) * predOriginalSample - 1 / (2 * r) * previous;
        }

        Tensor prevSample = sigmaT / sigmaS * x - alphaT * (Math.Exp(-h) - 1) * d;

        Forget();
        _previousOriginalSample = predOriginalSample.clone().DetachFromDisposeScope();
        _steps.Advance();
        return new SchedulerOutput(prevSample.to(sample.dtype).MoveToOuterDisposeScope(), predOriginalSample.to(sample.dtype).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public Tensor AddNoise(Tensor originalSamples, Tensor noise, double timestep)
    {
        using var scope = NewDisposeScope();
        (double alpha, double sigma, _) = Rates(_sigmas[_steps.IndexOf(timestep)]);
        return (alpha * originalSamples + sigma * noise).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the remembered prediction.</summary>
    public void Dispose() => Forget();

    // The noise level σ/α as α, σ with α² + σ² = 1, and λ = log(α/σ), half the logarithm of the signal-to-noise ratio.
    private static (double Alpha, double Sigma, double Lambda) Rates(double sigma)
    {
        double alpha = 1 / Math.Sqrt(sigma * sigma + 1);
        return (alpha, alpha * sigma, -Math.Log(sigma));
    }

    // EDM eq. (5) with ρ = 7, between the largest and the smallest noise that was trained.
    private double[] KarrasSigmas(int steps)
    {
        const double Rho = 7;
        double max = Math.Pow(NoiseSchedule.Sigma(Config.NumTrainTimesteps - 1), 1 / Rho), min = Math.Pow(NoiseSchedule.Sigma(0), 1 / Rho);
        return [.. Enumerable.Range(0, steps).Select(i => Math.Pow(max + (steps == 1 ? 0 : i / (steps - 1.0)) * (min - max), Rho))];
    }

    // The network is told the whole timestep whose log σ is nearest; the step itself keeps the exact σ.
    private double NearestTimestep(double sigma)
    {
        int above = 1;
        while (above < Config.NumTrainTimesteps - 1 && NoiseSchedule.Sigma(above) <= sigma)
        {
            above++;
        }

        double low = Math.Log(NoiseSchedule.Sigma(above - 1)), high = Math.Log(NoiseSchedule.Sigma(above));
        double t = above - 1 + Math.Clamp((Math.Log(sigma) - low) / (high - low), 0, 1);
        return Config.BetaSchedule == BetaSchedule.SquaredcosCapV2 ? Math.Floor(t) : Math.Round(t);
    }

    private void Forget()
    {
        _previousOriginalSample?.Dispose();
        _previousOriginalSample = null;
    }
}
