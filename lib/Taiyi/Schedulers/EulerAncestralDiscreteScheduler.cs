using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Euler's method with ancestral noise: each step goes below the next noise level and comes back up to it with fresh noise. From
/// k-diffusion, <c>sample_euler_ancestral</c>.
/// </summary>
/// <param name="config">The model's settings.</param>
public sealed class EulerAncestralDiscreteScheduler(SchedulerConfig config) : SigmaScheduler(config)
{
    /// <inheritdoc/>
    /// <remarks>Notation (name → k-diffusion): OriginalSample → denoised, Derivative → d, down, up → sigma_down, sigma_up.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        (double down, double up) = Stochasticity.Ancestral(step.Level.Sigma, step.Next.Sigma);
        Tensor prevSample = step.Sample + (down - step.Level.Sigma) * Derivative(step);
        return step.To(up > 0 ? prevSample + up * step.Noise() : prevSample);
    }
}
