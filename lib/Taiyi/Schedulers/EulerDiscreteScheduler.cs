using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Euler's method on the probability flow of EDM: straight steps along dx/dσ from one noise level to the next.
/// https://arxiv.org/abs/2206.00364, Algorithm 2 without churn and without its second-order correction.
/// </summary>
/// <remarks>Samples are x₀ + σ ε here, not √ᾱ x₀ + √(1-ᾱ) ε: the network sees them scaled back by 1/√(σ²+1).</remarks>
/// <param name="config">The model's settings.</param>
public sealed class EulerDiscreteScheduler(SchedulerConfig config) : IScheduler
{
    private readonly StepSequence _steps = new();
    private double[] _sigmas = [];

    /// <inheritdoc/>
    public SchedulerConfig Config { get; } = config;

    /// <inheritdoc/>
    public NoiseSchedule NoiseSchedule { get; } = new(config);

    /// <inheritdoc/>
    public IReadOnlyList<double> Timesteps => _steps.Timesteps;

    /// <summary>The noise levels σ from pure noise to 0, one more than the steps from pure noise.</summary>
    public IReadOnlyList<double> Sigmas => _sigmas;

    /// <inheritdoc/>
    public double InitNoiseSigma => _sigmas.Length == 0
        ? throw new InvalidOperationException("The first noise level follows from the timesteps: call SetTimesteps(n) first.")
        : Spacing == TimestepSpacing.Leading ? Math.Sqrt(_sigmas[0] * _sigmas[0] + 1) : _sigmas[0];

    private TimestepSpacing Spacing => Config.TimestepSpacing ?? TimestepSpacing.Linspace;

    /// <inheritdoc/>
    public void SetTimesteps(int numInferenceSteps, double strength = 1.0)
    {
        // float32 is what the network is told; fractions such as 946.42 are rounded to it before σ is looked up.
        double[] timesteps = [.. TimestepGrid.Fractional(Config, Spacing, numInferenceSteps).Select(t => (double)(float)t)];
        _steps.Start(timesteps, numInferenceSteps, strength);
        _sigmas = [.. timesteps.Select(NoiseSchedule.Sigma), 0];
    }

    /// <inheritdoc/>
    public Tensor ScaleModelInput(Tensor sample, double timestep)
    {
        double sigma = _sigmas[_steps.Coming(timestep)];
        return sample / Math.Sqrt(sigma * sigma + 1); // c_in(σ), EDM table 1
    }

    /// <inheritdoc/>
    /// <remarks>Notation (name → EDM Algorithm 2): sigma → t_i, predOriginalSample → D_θ(x_i; t_i), derivative → d_i, prevSample → x_{i+1}.</remarks>
    public SchedulerOutput Step(Tensor modelOutput, double timestep, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null)
    {
        int index = _steps.Coming(timestep);
        using var scope = NewDisposeScope();
        Tensor x = sample.to(float32), output = modelOutput.to(float32);
        double sigma = _sigmas[index], sigmaNext = _sigmas[index + 1];

        // The network saw αx = α x₀ + ασ ε, whose variance is 1.
        double alpha = 1 / Math.Sqrt(sigma * sigma + 1);
        Tensor predOriginalSample = Prediction.OriginalSample(Config.PredictionType, output, alpha * x, alpha, alpha * sigma);
        Tensor derivative = (x - predOriginalSample) / sigma;
        Tensor prevSample = x + (sigmaNext - sigma) * derivative;

        _steps.Advance();
        return new SchedulerOutput(prevSample.to(sample.dtype).MoveToOuterDisposeScope(), predOriginalSample.to(sample.dtype).MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public Tensor AddNoise(Tensor originalSamples, Tensor noise, double timestep)
    {
        using var scope = NewDisposeScope();
        return (originalSamples + _sigmas[_steps.IndexOf(timestep)] * noise).MoveToOuterDisposeScope();
    }

    /// <summary>Nothing to free: the next step needs only the sample.</summary>
    public void Dispose()
    {
    }
}
