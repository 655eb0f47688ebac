using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>One run of a sampler: its timesteps, the loop's position in them, and the predictions that the formula looks back at.</summary>
/// <remarks>
/// Steps are counted, not looked up by timestep: PNDM's list holds one timestep twice. Stored predictions are freed with the last step;
/// dispose of a run that you leave before it.
/// </remarks>
public sealed class SchedulerRun : IDisposable
{
    private readonly SamplingPlan _plan;
    private readonly int _begin;
    private readonly List<PastCall> _past = []; // newest first

    internal SchedulerRun(Scheduler scheduler, SamplingPlan plan, double strength)
    {
        (Scheduler, _plan) = (scheduler, plan);
        _begin = FirstCall(plan, strength);
        Timesteps = [.. plan.Levels.Skip(_begin).Take(plan.Calls - _begin).Select(level => level.Timestep)];
        Sigmas = [.. plan.Levels.Select(level => level.Ratio)];
    }

    /// <summary>The sampler.</summary>
    public Scheduler Scheduler { get; }

    /// <summary>
    /// The timesteps of this run in the order of the loop, from noisy to clean, as training indices 0 … NumTrainTimesteps - 1; one a call
    /// of the network, of which solvers of two stages make two a step. Fractions for the samplers that walk along σ.
    /// </summary>
    public IReadOnlyList<double> Timesteps { get; }

    /// <summary>The noise level σ/α of the sample at each call from pure noise on, and last the one that the run ends at.</summary>
    public IReadOnlyList<double> Sigmas { get; }

    /// <summary>The standard deviation that the first sample of a run from pure noise must have.</summary>
    public double InitNoiseSigma => _plan.InitNoiseSigma;

    /// <summary>Calls of this run that are done.</summary>
    public int Taken { get; private set; }

    /// <summary>The noise level σ/α of the sample at the coming call.</summary>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    public double Sigma => Sigmas[Coming()];

    /// <summary>Scales a sample to what the network expects as its input at the coming call; a new tensor, owned by the caller.</summary>
    /// <param name="sample">The present sample, (B, C, H, W); B may be doubled for classifier-free guidance.</param>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    public Tensor ScaleModelInput(Tensor sample)
    {
        NoiseLevel level = _plan.Levels[Coming()];
        return level.Alpha == 1 ? sample / Math.Sqrt(level.Sigma * level.Sigma + 1) : sample.alias(); // c_in(σ), EDM table 1
    }

    /// <summary>x̂₀, the noiseless sample that a network's output at the coming call stands for; a new tensor, owned by the caller.</summary>
    /// <param name="modelOutput">The network's prediction, (B, C, H, W).</param>
    /// <param name="sample">The sample that it was made for, before <see cref="ScaleModelInput"/>, (B, C, H, W).</param>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    public Tensor ToOriginalSample(Tensor modelOutput, Tensor sample)
    {
        using var scope = NewDisposeScope();
        (double alpha, double sigma) = Seen();
        return Prediction.OriginalSample(Scheduler.Config.PredictionType, modelOutput, ScaleModelInput(sample), alpha, sigma).MoveToOuterDisposeScope();
    }

    /// <summary>What the network would say at the coming call if it saw this x̂₀; a new tensor, owned by the caller.</summary>
    /// <param name="originalSample">x̂₀, (B, C, H, W).</param>
    /// <param name="sample">The present sample, before <see cref="ScaleModelInput"/>, (B, C, H, W).</param>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    public Tensor ToModelOutput(Tensor originalSample, Tensor sample)
    {
        using var scope = NewDisposeScope();
        (double alpha, double sigma) = Seen();
        return Prediction.ModelOutput(Scheduler.Config.PredictionType, originalSample, ScaleModelInput(sample), alpha, sigma).MoveToOuterDisposeScope();
    }

    /// <summary>Goes from the sample at the coming call to the sample at the next, less noisy one.</summary>
    /// <param name="modelOutput">The network's prediction, (B, C, H, W).</param>
    /// <param name="sample">The sample that the prediction was made for, before <see cref="ScaleModelInput"/>, (B, C, H, W).</param>
    /// <param name="generators">
    /// Where stochastic samplers draw their noise, one generator a picture, so that picture i of a batch equals that of its seed
    /// alone; null draws from torch's global generator.
    /// </param>
    /// <param name="noise">The noise itself, (B, C, H, W), in place of a draw.</param>
    /// <returns>The next sample and the guess of the noiseless one. Computed in float32, returned in the sample's dtype.</returns>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    /// <exception cref="ArgumentException">The shapes or the number of generators do not fit.</exception>
    public SchedulerOutput Step(Tensor modelOutput, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        SchedulerStep step = new(Scheduler, _plan, Coming(), Taken, _past, sample.to(float32), modelOutput.to(float32))
        {
            Noise = () => ImageNoise.ForStep(sample, generators, noise),
        };
        SchedulerOutput output = Scheduler.Step(step);
        Remember(step);
        Taken++;
        if (Taken == Timesteps.Count)
        {
            Forget(keep: 0);
        }

        return new SchedulerOutput(output.PrevSample.to(sample.dtype).MoveToOuterDisposeScope(), output.PredOriginalSample.to(sample.dtype).MoveToOuterDisposeScope());
    }

    /// <summary>Brings noiseless samples to the noise level of a call, in this sampler's own scale of samples; the caller owns the result.</summary>
    /// <param name="originalSamples">x₀, (B, C, H, W); latents are already multiplied by the scaling factor.</param>
    /// <param name="noise">Unit Gaussian noise, (B, C, H, W).</param>
    /// <param name="call">Index into <see cref="Timesteps"/>; their count for the level that the run ends at.</param>
    /// <exception cref="ArgumentOutOfRangeException">The run has no such call.</exception>
    public Tensor AddNoise(Tensor originalSamples, Tensor noise, int call = 0)
    {
        if (call < 0 || call > Timesteps.Count)
        {
            throw new ArgumentOutOfRangeException(null, $"This run has calls 0 … {Timesteps.Count - 1}, and {Timesteps.Count} for its end; got {call}.");
        }

        using var scope = NewDisposeScope();
        NoiseLevel level = _plan.Levels[_begin + call];
        Tensor signal = level.Alpha == 1 ? originalSamples : level.Alpha * originalSamples;
        return (signal + level.Sigma * noise).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the stored predictions.</summary>
    public void Dispose() => Forget(keep: 0);

    private int Coming() => Taken < Timesteps.Count
        ? _begin + Taken
        : throw new InvalidOperationException($"All {Timesteps.Count} calls of this run were made: Begin(steps) another.");

    // α and σ of the sample as the network sees it, α² + σ² = 1.
    private (double Alpha, double Sigma) Seen()
    {
        NoiseLevel level = _plan.Levels[Coming()];
        if (level.Alpha != 1)
        {
            return (level.Alpha, level.Sigma);
        }

        double alpha = 1 / Math.Sqrt(level.Sigma * level.Sigma + 1);
        return (alpha, alpha * level.Sigma);
    }

    private void Remember(SchedulerStep step)
    {
        if (Scheduler.Memory > 0)
        {
            _past.Insert(0, new PastCall(step.Level, step.Sample.clone().DetachFromDisposeScope(), step.Prediction.clone().DetachFromDisposeScope()));
            Forget(keep: Scheduler.Memory);
        }
    }

    private void Forget(int keep)
    {
        foreach (PastCall call in _past.Skip(keep))
        {
            call.Sample.Dispose();
            call.Prediction.Dispose();
        }

        _past.RemoveRange(Math.Min(keep, _past.Count), Math.Max(0, _past.Count - keep));
    }

    // StableDiffusionImg2ImgPipeline.get_timesteps. PNDM's repeated timestep counts as one to be skipped, as there.
    private static int FirstCall(SamplingPlan plan, double strength)
    {
        if (!(strength > 0 && strength <= 1))
        {
            throw new ArgumentOutOfRangeException(null,
                $"The strength is {strength}; it must be above 0, which would leave the picture as it is, and at most 1, which starts from pure noise.");
        }

        int steps = plan.NumInferenceSteps, walked = (int)(steps * strength);
        return walked > 0
            ? (steps - walked) * plan.CallsPerStep
            : throw new ArgumentOutOfRangeException(null,
                $"{steps} steps at strength {strength} leave none to walk: the strength is at least {1.0 / steps:0.###}, or take more steps.");
    }
}
