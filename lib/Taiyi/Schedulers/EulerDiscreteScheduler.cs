namespace Taiyi.Schedulers;

/// <summary>
/// Euler's method on the probability flow of EDM: straight steps along dx/dσ from one noise level to the next.
/// https://arxiv.org/abs/2206.00364, Algorithm 2 without churn and without its second-order correction.
/// </summary>
/// <param name="config">The model's settings.</param>
public sealed class EulerDiscreteScheduler(SchedulerConfig config) : SigmaScheduler(config)
{
    /// <inheritdoc/>
    /// <remarks>Notation (name → EDM Algorithm 2): Level.Sigma → t_i, OriginalSample → D_θ(x_i; t_i), Derivative → d_i, the result → x_{i+1}.</remarks>
    protected internal override SchedulerOutput Step(SchedulerStep step) =>
        step.To(step.Sample + (step.Next.Sigma - step.Level.Sigma) * Derivative(step));
}
