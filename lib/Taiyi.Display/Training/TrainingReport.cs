namespace Taiyi.Display;

/// <summary>One step of a training, as <see cref="LiveTraining"/> shows it.</summary>
/// <param name="Step">The step that was done, from 1.</param>
/// <param name="TotalSteps">How many there will be.</param>
/// <param name="Loss">The loss of the step.</param>
/// <param name="LearningRate">The learning rate of the step.</param>
/// <param name="SecondsPerStep">How long the step took, in seconds.</param>
public sealed record TrainingReport(int Step, int TotalSteps, double Loss, double LearningRate, double SecondsPerStep);
