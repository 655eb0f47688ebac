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
        (double skip, double output) = Boundary(step.Level.Timestep, Config.TimestepScaling);
        Tensor denoised = output * step.OriginalSample + skip * step.Sample;
        Tensor prevSample = step.IsLast ? denoised : step.Next.Alpha * denoised + step.Next.Sigma * step.Noise();
        return new SchedulerOutput(prevSample, denoised);
    }

    /// <summary>c_skip(t) and c_out(t), which make f_θ(x, 0) = x: eq. (9) with the paper's σ_data and diffusers' scaling of timesteps.</summary>
    internal static (double Skip, double Output) Boundary(double timestep, double timestepScaling)
    {
        double t = timestep * timestepScaling, norm = t * t + SigmaData * SigmaData;
        return (SigmaData * SigmaData / norm, t / Math.Sqrt(norm));
    }
}
