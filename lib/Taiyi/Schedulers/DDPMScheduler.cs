using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Ancestral sampling of the original diffusion model: the posterior mean plus fresh noise at every step, with the small variance
/// β̃_t or the large one β_t. https://arxiv.org/abs/2006.11239, Algorithm 2.
/// </summary>
/// <param name="config">The model's settings.</param>
public sealed class DDPMScheduler(SchedulerConfig config) : TimestepScheduler(config)
{
    /// <inheritdoc/>
    /// <remarks>
    /// Notation (name → DDPM paper): ModelOutput → ε_θ(x_t, t), OriginalSample → x̂₀ of eq. (15), the mean → μ̃_t, variance → β̃_t of
    /// eq. (7). With fewer steps than were trained, α_t and β_t are those of the whole leap to the next timestep of the run; the last
    /// step goes to x₀ itself.
    /// </remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        (int t, int previousTimestep) = ((int)step.Level.Timestep, (int)step.Next.Timestep);
        Tensor mean = NoiseSchedule.PosteriorMean(step.OriginalSample, step.Sample, t, previousTimestep);
        double variance = Config.VarianceType is VarianceType.FixedLarge or VarianceType.FixedLargeLog
            ? LeapBeta(t, previousTimestep)
            : NoiseSchedule.PosteriorVariance(t, previousTimestep);
        return step.To(t > 0 && variance > 0 ? mean + Math.Sqrt(variance) * step.Noise() : mean); // z of Algorithm 2
    }

    private double LeapBeta(int t, int previousTimestep) =>
        1 - NoiseSchedule.AlphasCumprod[t] / (previousTimestep < 0 ? 1 : NoiseSchedule.AlphasCumprod[previousTimestep]);
}
