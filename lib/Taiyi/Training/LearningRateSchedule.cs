namespace Taiyi.Training;

/// <summary>How the learning rate goes from its peak to the end of a training.</summary>
public enum LearningRateDecay
{
    /// <summary>It stays at the peak.</summary>
    Constant,

    /// <summary>It falls in a straight line to 0.</summary>
    Linear,

    /// <summary>It falls along half a cosine to 0 (arXiv 1608.03983 eq. (5), without restarts).</summary>
    Cosine,
}

/// <summary>The learning rate of every optimizer step: a linear warm-up from 0 to the peak, then the decay.</summary>
/// <remarks>Equal to diffusers' <c>get_scheduler</c> (optimization.py): step i of the optimizer has the value at i.</remarks>
/// <param name="Decay">What follows the warm-up.</param>
/// <param name="Peak">The largest learning rate.</param>
/// <param name="WarmupSteps">Optimizer steps of the warm-up; the first of them has the rate 0.</param>
/// <param name="TotalSteps">Optimizer steps of the whole training, the warm-up included.</param>
public sealed record LearningRateSchedule(LearningRateDecay Decay, double Peak, long WarmupSteps, long TotalSteps)
{
    /// <summary>The learning rate of an optimizer step.</summary>
    /// <param name="step">0 for the first.</param>
    public double At(long step)
    {
        if (step < WarmupSteps)
        {
            return Peak * ((double)step / WarmupSteps);
        }

        double progress = (double)(step - WarmupSteps) / Math.Max(1, TotalSteps - WarmupSteps); // 0 after the warm-up, 1 at the end
        return Decay switch
        {
            LearningRateDecay.Constant => Peak,
            LearningRateDecay.Linear => Peak * Math.Max(0, 1 - progress),
            LearningRateDecay.Cosine => Peak * Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * progress))),
            _ => throw new ArgumentOutOfRangeException(null, $"The decay is {Decay}; it must be Constant, Linear or Cosine."),
        };
    }
}
