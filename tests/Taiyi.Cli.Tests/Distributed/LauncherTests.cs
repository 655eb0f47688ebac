using Taiyi.Batches;
using Taiyi.Distributed;

namespace Taiyi.Cli.Tests.Distributed;

/// <summary>Variables as mpirun(1), mpiexec(1), srun(1) and sbatch(1) document them.</summary>
public class LauncherTests
{
    [Theory]
    [InlineData("", 0, 0, 1)]
    [InlineData("OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4", 1, 3, 4)]
    [InlineData("PMI_RANK=1 PMI_SIZE=2", 2, 1, 2)]
    [InlineData("SLURM_PROCID=5 SLURM_NTASKS=8 SLURM_STEP_NUM_TASKS=8", 3, 5, 8)]
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=8", 0, 0, 1)] // the script of sbatch, which runs once
    [InlineData("SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1 OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", 1, 1, 2)] // mpirun in a job
    public void The_launcher_is_known_by_its_variables(string variables, int kind, int rank, int size) =>
        Assert.Equal(new Launcher((LauncherKind)kind, rank, size), Launcher.Find(Variables(variables)));

    [Theory]
    [InlineData("", null, "1/1")]
    [InlineData("", "2/8", "2/8")]
    [InlineData("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=4", null, "1/4")]
    [InlineData("SLURM_ARRAY_TASK_ID=30 SLURM_ARRAY_TASK_MIN=10 SLURM_ARRAY_TASK_STEP=10 SLURM_ARRAY_TASK_COUNT=3", null, "3/3")]
    [InlineData("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=2 SLURM_PROCID=2 SLURM_STEP_NUM_TASKS=3", null, "6/6")]
    [InlineData("OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=2", "2/2", "4/4")]
    public void The_share_follows_from_array_launcher_and_user(string variables, string? given, string share) =>
        Assert.Equal(share, JobShare.Find(given is null ? null : Shard.Parse(given), Variables(variables)).ToString());

    [Fact]
    public void Shares_hold_every_row_once()
    {
        for (int row = 0; row < 20; row++)
        {
            Assert.Single(Enumerable.Range(0, 6), share => new Shard(share / 3, 2).Split(share % 3, 3).Has(row));
        }
    }

    [Theory]
    [InlineData("0/8")]
    [InlineData("9/8")]
    [InlineData("2")]
    [InlineData("a/b")]
    public void What_is_no_share_is_told_what_is(string text) =>
        Assert.Contains("1/N to N/N", Assert.Throws<ArgumentException>(() => Shard.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("PMI_RANK=2 PMI_SIZE=2", "PMI_RANK is 2")]
    [InlineData("PMI_RANK=x PMI_SIZE=2", "PMI_RANK is 'x'")]
    [InlineData("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=3", "--array=1-3")] // --array=1,3,7
    public void Variables_that_contradict_each_other_are_named(string variables, string part) =>
        Assert.Contains(part, Assert.Throws<DistributedException>(() => JobShare.Find(null, Variables(variables))).Message, StringComparison.Ordinal);

    private static Func<string, string?> Variables(string list)
    {
        Dictionary<string, string> values = list.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        return name => values.GetValueOrDefault(name);
    }
}
