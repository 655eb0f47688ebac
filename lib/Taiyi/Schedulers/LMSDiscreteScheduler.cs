using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// Linear multistep method (Adams-Bashforth) along σ: the step follows the polynomial through the last derivatives. From k-diffusion,
/// <c>sample_lms</c>.
/// </summary>
/// <remarks>A run that begins at a picture starts with one derivative and the formula for one; diffusers takes the weights of four there.</remarks>
/// <param name="config">The model's settings.</param>
/// <param name="order">Derivatives that a step looks at, 1 to 4.</param>
public sealed class LMSDiscreteScheduler(SchedulerConfig config, int order = 4) : SigmaScheduler(config)
{
    /// <inheritdoc/>
    protected internal override int Memory { get; } = order is >= 1 and <= 4
        ? order - 1
        : throw new ArgumentOutOfRangeException(null, $"The order is {order}; LMS takes 1 (Euler's method) to 4.");

    /// <inheritdoc/>
    protected internal override Tensor Prediction(SchedulerStep step) => Derivative(step);

    /// <inheritdoc/>
    protected internal override SchedulerOutput Step(SchedulerStep step)
    {
        double sigma = step.Level.Sigma, length = step.Next.Sigma - sigma;
        double[] weights = MultistepWeights.Exact(0, [0, .. step.Past.Select(call => (call.Level.Sigma - sigma) / length)]);
        Tensor mean = step.Past.Zip(weights.Skip(1), (call, weight) => weight * call.Prediction).Aggregate(weights[0] * step.Prediction, (sum, term) => sum + term);
        return step.To(step.Sample + length * mean);
    }
}
