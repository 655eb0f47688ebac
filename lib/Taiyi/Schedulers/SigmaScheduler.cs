using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// The samplers of k-diffusion (https://github.com/crowsonkb/k-diffusion/blob/4601bf0/k_diffusion/sampling.py), which walk along the noise
/// level σ: Euler, Heun, LMS, DPM2 and their ancestral forms. Their samples are x₀ + σ ε; the network sees them scaled by 1/√(σ²+1).
/// </summary>
/// <param name="config">The model's settings and the sampler's.</param>
public abstract class SigmaScheduler(SchedulerConfig config) : Scheduler(config)
{
    /// <summary>Whether Karras' levels are rounded to whole timesteps for the network to be told, as diffusers does for DPM2 alone.</summary>
    private protected virtual bool RoundsKarras => false;

    private TimestepSpacing Spacing => Config.TimestepSpacing ?? TimestepSpacing.Linspace;

    /// <inheritdoc/>
    protected internal override SamplingPlan Plan(SamplingSteps steps)
    {
        NoiseLevel[] levels = Levels(steps);
        double largest = levels[0].Sigma;
        return new SamplingPlan(levels, levels.Length - 1, Spacing == TimestepSpacing.Leading ? Math.Sqrt(largest * largest + 1) : largest);
    }

    /// <summary>dx/dσ, the direction of the probability flow: EDM (https://arxiv.org/abs/2206.00364) eq. (3), d_i of its Algorithm 2.</summary>
    private protected static Tensor Derivative(SchedulerStep step) => (step.Sample - step.OriginalSample) / step.Level.Sigma;

    // One level a step, and the one that the run ends at.
    private NoiseLevel[] Levels(SamplingSteps steps)
    {
        if (steps.Sigmas is { } given)
        {
            return [.. given.Select(sigma => At(NoiseSchedule.TimestepOf(sigma), sigma))];
        }

        double[] timesteps = steps.Timesteps is { } list ? [.. list] : TimestepGrid.Fractional(Config, Spacing, steps.Count);
        // float32 is what the network is told; fractions such as 946.42 are rounded to it before σ is looked up.
        NoiseLevel[] levels = [.. timesteps.Select(t => (double)(float)t).Select(t => At(t, NoiseSchedule.Sigma(t)))];
        double final = Config.FinalSigmasType == FinalSigmasType.SigmaMin ? NoiseSchedule.Sigma(0) : 0;
        if (Config.InterpolationType == InterpolationType.LogLinear)
        {
            double[] even = SigmaTables.Between(SigmaSchedule.Exponential, NoiseSchedule.Sigma(Config.NumTrainTimesteps - 1), NoiseSchedule.Sigma(0), levels.Length + 1);
            levels = [.. levels.Select((level, i) => At(level.Timestep, even[i]))];
            final = Config.Sigmas == SigmaSchedule.Timesteps ? even[^1] : final;
        }

        if (Config.Sigmas != SigmaSchedule.Timesteps && steps.Timesteps is null)
        {
            bool whole = Config.Sigmas == SigmaSchedule.Lu || (Config.Sigmas == SigmaSchedule.Karras && RoundsKarras);
            double[] sigmas = SigmaTables.Between(Config.Sigmas, Config.SigmaMax ?? levels[0].Sigma, Config.SigmaMin ?? levels[^1].Sigma, levels.Length);
            levels = [.. sigmas.Select(sigma => At(whole ? Math.Round(NoiseSchedule.TimestepOf(sigma)) : NoiseSchedule.TimestepOf(sigma), sigma))];
        }

        return [.. levels, NoiseLevel.Exploding(-1, final)];
    }

    private NoiseLevel At(double timestep, double sigma) => NoiseLevel.Exploding(
        Config is { TimestepType: TimestepType.Continuous, PredictionType: PredictionType.VPrediction } ? 0.25 * Math.Log(sigma) : (float)timestep, sigma);
}
