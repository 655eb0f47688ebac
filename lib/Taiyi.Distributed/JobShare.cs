using Taiyi.Batches;

namespace Taiyi.Distributed;

/// <summary>Which share of a batch this process draws, as launcher and scheduler say.</summary>
public static class JobShare
{
    private const string Id = "SLURM_ARRAY_TASK_ID", First = "SLURM_ARRAY_TASK_MIN", Step = "SLURM_ARRAY_TASK_STEP", Count = "SLURM_ARRAY_TASK_COUNT";

    /// <summary>The share of the user or of the job array, divided among the processes of the launcher.</summary>
    /// <param name="given">The user's own, in place of the array's; null for none.</param>
    /// <param name="variable">Gives the value of a variable, null for none; the process's own if null.</param>
    /// <exception cref="DistributedException">The variables contradict themselves.</exception>
    public static Shard Find(Shard? given = null, Func<string, string?>? variable = null)
    {
        variable ??= Environment.GetEnvironmentVariable;
        Launcher launcher = Launcher.Find(variable);
        return (given ?? OfArray(variable) ?? Shard.Whole).Split(launcher.Rank, launcher.Size);
    }

    private static Shard? OfArray(Func<string, string?> variable)
    {
        if (variable(Id) is not { Length: > 0 } id)
        {
            return null;
        }

        int Read(string name, int otherwise) => variable(name) is { Length: > 0 } text ? Launcher.Number(name, text) : otherwise;
        int task = Launcher.Number(Id, id), count = Read(Count, 1), index = (task - Read(First, task)) / Math.Max(1, Read(Step, 1));
        return index >= 0 && index < count
            ? new Shard(index, count)
            : throw new DistributedException(
                $"Task {task} of a job array of {count} is not among tasks that follow each other: use such as --array=1-{count}, or tell each task its share by --shard.");
    }
}
