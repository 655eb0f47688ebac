using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Trajectory consistency distillation: DDIM's step to a level below the next one, and fresh noise back up to it. γ, here
/// <see cref="SchedulerConfig.Eta"/>, is 0 for none and 1 for LCM's way; the paper's choice is 0.3. https://arxiv.org/abs/2402.19159, Algorithm 4.
/// </summary>
public sealed class TCDScheduler : DistilledScheduler
{
    /// <summary>Makes the sampler.</summary>
    /// <param name="config">The model's settings; <see cref="SchedulerConfig.Eta"/> is γ.</param>
    /// <exception cref="ArgumentOutOfRangeException">γ is not from 0 to 1.</exception>
    public TCDScheduler(SchedulerConfig config)
        : base(config) => Stochasticity.Check(config.Eta);

    /// <inheritdoc/>
    /// <remarks>Notation (name → paper): alphaCumprodS → ᾱ at s' = (1-γ) t_{n-1}, noised → x_{s'}. The last step ends at timestep 0.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        int previousTimestep = step.IsLast ? 0 : (int)step.Next.Timestep;
        double alphaCumprodS = AlphaCumprod((int)Math.Floor((1 - Config.Eta) * previousTimestep));
        Tensor noised = Math.Sqrt(alphaCumprodS) * step.OriginalSample + Math.Sqrt(1 - alphaCumprodS) * step.Epsilon;
        if (Config.Eta == 0 || step.IsLast)
        {
            return step.To(noised);
        }

        double kept = AlphaCumprod(previousTimestep) / alphaCumprodS; // from s' back up to t_{n-1}
        return step.To(Math.Sqrt(kept) * noised + Math.Sqrt(1 - kept) * step.Noise());
    }
}
