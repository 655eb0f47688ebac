namespace Taiyi.Training;

/// <summary>What one optimizer step did: a line of the run's <c>log.jsonl</c>.</summary>
/// <param name="Step">Optimizer steps taken so far, 1 after the first.</param>
/// <param name="TotalSteps">Optimizer steps of the whole training.</param>
/// <param name="Epoch">Passes over the data so far, with fraction.</param>
/// <param name="Loss">Mean loss of the step's batches.</param>
/// <param name="LearningRate">Learning rate of the step.</param>
/// <param name="GradNorm">Euclidean norm of all gradients together before clipping.</param>
/// <param name="Seconds">Time of the step.</param>
/// <param name="MemoryBytes">Memory of the process after the step (its resident set).</param>
/// <param name="LiveTensors">TorchSharp tensors of this thread that are not disposed: constant from step to step, or something leaks.</param>
/// <param name="ExchangeSeconds">Time of the step in which the gradients of several processes were added up, without the waiting for the slowest; 0 in one process.</param>
public sealed record TrainingProgress(
    long Step, long TotalSteps, double Epoch, double Loss, double LearningRate, double GradNorm, double Seconds, long MemoryBytes, long LiveTensors,
    double ExchangeSeconds = 0);
