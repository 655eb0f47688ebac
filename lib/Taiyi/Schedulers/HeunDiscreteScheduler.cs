using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Heun's method: Euler's step as a trial, then the step again with the mean of the slopes at both ends.
/// https://arxiv.org/abs/2206.00364, Algorithm 2 without churn.
/// </summary>
/// <param name="config">The model's settings.</param>
public sealed class HeunDiscreteScheduler(SchedulerConfig config) : TwoStageScheduler(config)
{
    /// <inheritdoc/>
    protected internal override Tensor Prediction(SchedulerStep step) => Derivative(step);

    private protected override NoiseLevel Second(NoiseLevel level, NoiseLevel next) => next;

    /// <inheritdoc/>
    /// <remarks>Notation (name → EDM Algorithm 2): first.Prediction → d_i, step.Prediction → d'_i, the result → x_{i+1}.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        if (!IsSecond(step))
        {
            return First(step);
        }

        PastCall first = step.Past[0];
        return step.To(first.Sample + (step.Level.Sigma - first.Level.Sigma) * ((first.Prediction + step.Prediction) / 2));
    }
}
