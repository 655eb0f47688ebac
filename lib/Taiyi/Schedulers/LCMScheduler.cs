using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Latent consistency models: every call predicts the picture itself, and fresh noise takes it back to the next level. For networks
/// distilled to it (LCM-LoRA), 4 to 8 steps. https://arxiv.org/abs/2310.04378, Algorithm 3.
/// </summary>
/// <param name="config">The model's settings.</param>
public sealed class LCMScheduler(SchedulerConfig config) : DistilledScheduler(config)
{
    private const double SigmaData = 0.5;

    /// <inheritdoc/>
    /// <remarks>Notation (name → paper): skip, output → c_skip(t), c_out(t) of the boundary condition, eq. (9); denoised → f_θ(x, t).</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        double t = step.Level.Timestep * Config.TimestepScaling, norm = t * t + SigmaData * SigmaData;
        (double skip, double output) = (SigmaData * SigmaData / norm, t / Math.Sqrt(norm));
        Tensor denoised = output * step.OriginalSample + skip * step.Sample;
        Tensor prevSample = step.IsLast ? denoised : step.Next.Alpha * denoised + step.Next.Sigma * step.Noise();
        return new SchedulerOutput(prevSample, denoised);
    }
}
