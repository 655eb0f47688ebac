using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>What a sampler's formula sees at one call of the network. Its tensors are float32 and live as long as the step.</summary>
public sealed class SchedulerStep
{
    private readonly Scheduler _scheduler;
    private readonly IReadOnlyList<PastCall> _past;
    private readonly Tensor _input;   // what was handed in, before any correction
    private Tensor? _originalSample;
    private Tensor? _prediction;

    internal SchedulerStep(Scheduler scheduler, SamplingPlan plan, int index, int taken, IReadOnlyList<PastCall> past, Tensor sample, Tensor modelOutput)
    {
        (_scheduler, _past, _input) = (scheduler, past, sample);
        (Plan, Index, Taken, Sample, ModelOutput) = (plan, index, taken, sample, modelOutput);
    }

    /// <summary>The calls of a whole run from pure noise.</summary>
    public SamplingPlan Plan { get; }

    /// <summary>Which of them this is.</summary>
    public int Index { get; }

    /// <summary>How many calls this run has made before, fewer than <see cref="Index"/> if it began at a picture.</summary>
    public int Taken { get; }

    /// <summary>The noise level of <see cref="Sample"/>.</summary>
    public NoiseLevel Level => Plan.Levels[Index];

    /// <summary>The noise level to go to.</summary>
    public NoiseLevel Next => Plan.Levels[Index + 1];

    /// <summary>Whether this is the last call of the run.</summary>
    public bool IsLast => Index == Plan.Calls - 1;

    /// <summary>The calls of this run before, newest first, as many as <see cref="Scheduler.Memory"/>.</summary>
    public IReadOnlyList<PastCall> Past => _past;

    /// <summary>The sample that the step starts from, (B, C, H, W). UniPC puts a corrected one in its place, which is then remembered.</summary>
    public Tensor Sample { get; set; }

    /// <summary>The network's output, (B, C, H, W): ε, v or x₀.</summary>
    public Tensor ModelOutput { get; }

    /// <summary>x̂₀, the noiseless sample that the output stands for, clipped as the settings say, (B, C, H, W).</summary>
    public Tensor OriginalSample => _originalSample ??= Schedulers.Prediction.Limited(_scheduler.Config, Predicted(Schedulers.Prediction.OriginalSample));

    /// <summary>ε̂, the noise that the output stands for, (B, C, H, W).</summary>
    public Tensor Epsilon => Predicted(Schedulers.Prediction.Epsilon);

    /// <summary>What the sampler extrapolates (<see cref="Scheduler.Prediction"/>), (B, C, H, W).</summary>
    public Tensor Prediction => _prediction ??= _scheduler.Prediction(this);

    /// <summary>Draws z ~ N(0, I), (B, C, H, W).</summary>
    public required Func<Tensor> Noise { get; init; }

    /// <summary>The result with x̂₀ as the guess that is shown.</summary>
    /// <param name="prevSample">The next sample.</param>
    public SchedulerOutput To(Tensor prevSample) => new(prevSample, OriginalSample);

    // The network saw a sample of variance 1: x itself, or x₀ + σ ε scaled by 1/√(σ²+1).
    private Tensor Predicted(Func<PredictionType, Tensor, Tensor, double, double, Tensor> reading)
    {
        if (Level.Alpha != 1)
        {
            return reading(_scheduler.Config.PredictionType, ModelOutput, _input, Level.Alpha, Level.Sigma);
        }

        double alpha = 1 / Math.Sqrt(Level.Sigma * Level.Sigma + 1);
        return reading(_scheduler.Config.PredictionType, ModelOutput, alpha * _input, alpha, alpha * Level.Sigma);
    }
}

/// <summary>What is remembered of an earlier call of the run.</summary>
/// <param name="Level">Its noise level.</param>
/// <param name="Sample">The sample that its step started from, (B, C, H, W) float32.</param>
/// <param name="Prediction">What the sampler extrapolates, (B, C, H, W) float32.</param>
public sealed record PastCall(NoiseLevel Level, Tensor Sample, Tensor Prediction);
