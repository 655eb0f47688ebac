using System.Globalization;
using Taiyi.Training;

namespace Taiyi.Distributed;

/// <summary>What started this process together with others, as its environment variables tell.</summary>
public enum LauncherKind
{
    /// <summary>Nothing: the process is alone.</summary>
    None,

    /// <summary>Open MPI's <c>mpirun</c>.</summary>
    OpenMpi,

    /// <summary><c>mpiexec</c> of MPICH or Intel MPI, or <c>srun --mpi=pmi2</c>.</summary>
    Pmi,

    /// <summary>Slurm's <c>srun</c>.</summary>
    Slurm,
}

/// <summary>The processes that a launcher started, and which of them this one is.</summary>
/// <param name="Kind">The launcher.</param>
/// <param name="Rank">Number of this process, from 0.</param>
/// <param name="Size">Number of processes, 1 or more.</param>
public sealed record Launcher(LauncherKind Kind, int Rank, int Size)
{
    // In the order in which they hold: mpirun inside of a Slurm job leaves Slurm's own variables in place. The number of a step's tasks is
    // set by srun alone; the script of sbatch, which runs once, has SLURM_NTASKS without it.
    private static readonly (LauncherKind Kind, string Rank, string Size)[] Known =
    [
        (LauncherKind.OpenMpi, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
        (LauncherKind.Pmi, "PMI_RANK", "PMI_SIZE"),
        (LauncherKind.Slurm, "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
    ];

    /// <summary>Reads the environment variables of a process.</summary>
    /// <param name="variable">Gives the value of a variable, null for none; the process's own if null.</param>
    /// <exception cref="DistributedException">They contradict themselves.</exception>
    public static Launcher Find(Func<string, string?>? variable = null)
    {
        variable ??= Environment.GetEnvironmentVariable;
        foreach ((LauncherKind kind, string rankName, string sizeName) in Known)
        {
            if (variable(rankName) is { Length: > 0 } rankText && variable(sizeName) is { Length: > 0 } sizeText)
            {
                int rank = Number(rankName, rankText), size = Number(sizeName, sizeText);
                return rank < size
                    ? new Launcher(kind, rank, size)
                    : throw new DistributedException($"{rankName} is {rank} and {sizeName} is {size}; the first must be below the second: start the process by mpirun or srun, which set both.");
            }
        }

        return new Launcher(LauncherKind.None, 0, 1);
    }

    /// <summary>Joins the processes into a group that trains together; one process alone needs no MPI library.</summary>
    /// <exception cref="DistributedException">There is no MPI library, or it does not find the launcher's other processes.</exception>
    public IProcessGroup Join() => Size == 1 ? new SingleProcess() : MpiProcessGroup.Join(this);

    internal static int Number(string name, string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        ? number
        : throw new DistributedException($"{name} is '{text}'; it must be a whole number, 0 or more.");
}
