using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// DPM-Solver-2 along σ: the slope at the geometric middle of the step serves for all of it. From k-diffusion, <c>sample_dpm_2</c>;
/// https://arxiv.org/abs/2206.00927, Algorithm 1.
/// </summary>
/// <param name="config">The model's settings.</param>
public class KDPM2DiscreteScheduler(SchedulerConfig config) : TwoStageScheduler(config)
{
    private protected override bool RoundsKarras => true;

    /// <inheritdoc/>
    protected internal override Tensor Prediction(SchedulerStep step) => Derivative(step);

    /// <summary>The level that a step goes down to, and the fresh noise that leads from there to the next level.</summary>
    /// <param name="sigma">σ where the step begins.</param>
    /// <param name="sigmaNext">σ where it ends.</param>
    private protected virtual (double Down, double Up) Split(double sigma, double sigmaNext) => (sigmaNext, 0);

    private protected override NoiseLevel Second(NoiseLevel level, NoiseLevel next)
    {
        double middle = Math.Sqrt(level.Sigma * Split(level.Sigma, next.Sigma).Down); // half-way in log σ
        return NoiseLevel.Exploding((float)NoiseSchedule.TimestepOf(middle), middle);
    }

    /// <inheritdoc/>
    /// <remarks>Notation (name → k-diffusion): first.Sample → x, step.Sample → x_2, step.Prediction → d_2.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        if (!IsSecond(step))
        {
            return First(step);
        }

        PastCall first = step.Past[0];
        (double down, double up) = Split(first.Level.Sigma, step.Next.Sigma);
        Tensor prevSample = first.Sample + (down - first.Level.Sigma) * step.Prediction;
        return step.To(up > 0 ? prevSample + up * step.Noise() : prevSample);
    }
}

/// <summary>DPM2 with ancestral noise: each step goes below the next level and comes back up to it. From k-diffusion, <c>sample_dpm_2_ancestral</c>.</summary>
/// <param name="config">The model's settings.</param>
public sealed class KDPM2AncestralDiscreteScheduler(SchedulerConfig config) : KDPM2DiscreteScheduler(config)
{
    private protected override (double Down, double Up) Split(double sigma, double sigmaNext) => Stochasticity.Ancestral(sigma, sigmaNext);
}
