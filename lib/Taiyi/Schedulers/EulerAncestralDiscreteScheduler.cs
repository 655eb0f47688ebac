using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Euler's method with ancestral noise: each step goes below the next noise level and comes back up to it with fresh noise. From
/// k-diffusion, <c>sample_euler_ancestral</c> (https://github.com/crowsonkb/k-diffusion/blob/4601bf0/k_diffusion/sampling.py).
/// </summary>
/// <remarks>Samples are x₀ + σ ε here, not √ᾱ x₀ + √(1-ᾱ) ε: the network sees them scaled back by 1/√(σ²+1).</remarks>
/// <param name="config">The model's settings.</param>
public sealed class EulerAncestralDiscreteScheduler(SchedulerConfig config) : IScheduler
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
    /// <remarks>
    /// Notation (name → k-diffusion): predOriginalSample → denoised, derivative → d, sigmaDown, sigmaUp → the level stepped down to
    /// and the noise that leads back up, σ_down² + σ_up² = σ_next².
    /// </remarks>
    public SchedulerOutput Step(Tensor modelOutput, double timestep, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null)
    {
        int index = _steps.Coming(timestep);
        using var scope = NewDisposeScope();
        Tensor x = sample.to(float32), output = modelOutput.to(float32);
        double sigma = _sigmas[index], sigmaNext = _sigmas[index + 1];

        // The variance of q(x_next | x, x₀) in these units: DDPM eq. (7).
        double sigmaUp = Math.Sqrt(sigmaNext * sigmaNext * (sigma * sigma - sigmaNext * sigmaNext) / (sigma * sigma));
        double sigmaDown = Math.Sqrt(sigmaNext * sigmaNext - sigmaUp * sigmaUp);

        // The network saw αx = α x₀ + ασ ε, whose variance is 1.
        double alpha = 1 / Math.Sqrt(sigma * sigma + 1);
        Tensor predOriginalSample = Prediction.OriginalSample(Config.PredictionType, output, alpha * x, alpha, alpha * sigma);
        Tensor derivative = (x - predOriginalSample) / sigma;
        Tensor prevSample = x + (sigmaDown - sigma) * derivative;
        if (sigmaUp > 0)
        {
            prevSample = prevSample + sigmaUp * PictureNoise.ForStep(sample, generators, noise);
        }

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
