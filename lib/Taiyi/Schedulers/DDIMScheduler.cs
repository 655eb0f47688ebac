using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Denoising diffusion implicit models: the deterministic walk for η = 0, as random as DDPM for η = 1
/// (<see cref="SchedulerConfig.Eta"/>). https://arxiv.org/abs/2010.02502.
/// </summary>
/// <remarks>
/// A step goes down by the whole stride T/n, as in diffusers, whatever the spacing: with linspace or trailing timesteps it therefore
/// lands beside the next timestep of the list, by as much as both differ.
/// </remarks>
public sealed class DDIMScheduler : TimestepScheduler
{
    /// <summary>Makes the sampler.</summary>
    /// <param name="config">The model's settings; <see cref="SchedulerConfig.Eta"/> is the share of fresh noise.</param>
    /// <exception cref="ArgumentOutOfRangeException">η is not from 0 to 1.</exception>
    public DDIMScheduler(SchedulerConfig config)
        : base(config) => Stochasticity.Check(config.Eta);

    /// <inheritdoc/>
    /// <remarks>
    /// Notation (name → DDIM paper, which writes α for ᾱ): ModelOutput → ε_θ(x_t), OriginalSample → f_θ(x_t) or "predicted x₀",
    /// standardDeviation → σ_t(η), direction → "direction pointing to x_t", prevSample → x_{t-1}.
    /// </remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        // 1. ᾱ at this step and the next
        int timestep = (int)step.Level.Timestep, previousTimestep = step.Plan.Stride is { } stride ? timestep - stride : (int)step.Next.Timestep;
        double alphaCumprod = AlphaCumprod(timestep), alphaCumprodPrev = AlphaCumprod(previousTimestep);

        // 2. σ_t(η), eq. (16)
        double variance = (1 - alphaCumprodPrev) / (1 - alphaCumprod) * (1 - alphaCumprod / alphaCumprodPrev);
        double standardDeviation = Config.Eta * Math.Sqrt(variance);

        // 3. "direction pointing to x_t" and x_{t-1}, eq. (12)
        Tensor direction = Math.Sqrt(1 - alphaCumprodPrev - standardDeviation * standardDeviation) * step.Epsilon;
        Tensor prevSample = Math.Sqrt(alphaCumprodPrev) * step.OriginalSample + direction;
        return step.To(standardDeviation > 0 ? prevSample + standardDeviation * step.Noise() : prevSample);
    }
}
