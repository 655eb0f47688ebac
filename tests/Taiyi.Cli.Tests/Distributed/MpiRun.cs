using System.Diagnostics;
using System.Text;

namespace Taiyi.Cli.Tests.Distributed;

/// <summary>The command under Open MPI's real <c>mpirun</c>, all processes on this machine, one thread each.</summary>
internal static class MpiRun
{
    private const string Mark = "TAIYI_TEST_RUN";

    private static readonly string? Executable = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, "mpirun")).FirstOrDefault(File.Exists);

    /// <summary>Skips the test where there is no mpirun; in CI that is a failure.</summary>
    public static void Require()
    {
        if (Executable is null && Environment.GetEnvironmentVariable("CI") is not ("true" or "1"))
        {
            Assert.Skip("No mpirun on the PATH: install the package openmpi-bin to run this test.");
        }

        Assert.True(Executable != null, "CI has to install openmpi-bin.");
    }

    /// <summary>Runs some processes with the same arguments and waits for their end.</summary>
    public static CommandResult Run(string folder, int processes, params string[] arguments) => Run(folder, [(processes, arguments)]);

    /// <summary>Runs groups of processes with arguments of their own and waits for their end.</summary>
    public static CommandResult Run(string folder, params (int Processes, string[] Arguments)[] groups)
    {
        using MpiJob job = Start(folder, groups);
        return job.Result();
    }

    /// <summary>Runs a process on each of two hosts, network namespaces of this machine between which mpirun goes by ssh (two_hosts.sh), and waits for their end.</summary>
    public static CommandResult RunOnTwoHosts(string folder, string[] onFirst, string[] onSecond)
    {
        Require();
        string script = Repository.PathTo("tests/Taiyi.Cli.Tests/Distributed/two_hosts.sh");
        using MpiJob job = Start(folder, script, ["mpirun", "--bind-to", "none", "-x", "OMP_NUM_THREADS", "-x", "OMP_WAIT_POLICY",
            "-n", "1", "--host", "node1", .. Command, .. onFirst, ":", "-n", "1", "--host", "node2", .. Command, .. onSecond]);
        CommandResult result = job.Result();
        Assert.SkipWhen(result.ExitCode == 77, "Two hosts cannot be made of this machine: that takes root, iproute2, openssh-server and the right to make network namespaces.");
        return result;
    }

    /// <summary>Starts groups of processes with arguments of their own.</summary>
    public static MpiJob Start(string folder, params (int Processes, string[] Arguments)[] groups)
    {
        Require();
        IEnumerable<string> applications = groups.SelectMany((group, i) => (string[])
            [.. i == 0 ? Array.Empty<string>() : [":"], "-n", $"{group.Processes}", .. Command, .. group.Arguments]);
        return Start(folder, Executable!, ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", .. applications]);
    }

    private static string[] Command => ["dotnet", Path.Combine(AppContext.BaseDirectory, "Taiyi.Cli.dll")];

    private static MpiJob Start(string folder, string program, string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string mark = Guid.NewGuid().ToString("N");
        start.Environment[Mark] = mark;
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["TERM"] = "dumb"; // mpirun gives process 0 a terminal, to which .NET would send its control characters
        return new MpiJob(Process.Start(start)!, $"{Mark}={mark}");
    }

    /// <summary>A running mpirun.</summary>
    internal sealed class MpiJob(Process process, string mark) : IDisposable
    {
        private readonly Task<string> _output = process.StandardOutput.ReadToEndAsync(), _error = process.StandardError.ReadToEndAsync();

        public Process Process => process;

        /// <summary>The process of a rank on this machine.</summary>
        public Process Rank(int rank) => Process.GetProcesses().Single(candidate => EnvironmentOf(candidate.Id) is { } environment
            && environment.Contains(mark) && environment.Contains($"OMPI_COMM_WORLD_RANK={rank}"));

        /// <summary>Waits for its end and tells what it printed.</summary>
        public CommandResult Result()
        {
            Assert.True(process.WaitForExit(TimeSpan.FromMinutes(10)), "mpirun did not end within 10 minutes.");
            return new CommandResult(process.ExitCode, _output.Result, _error.Result);
        }

        public void Dispose()
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                process.WaitForExit();
            }

            process.Dispose();
        }

        private static string[]? EnvironmentOf(int id)
        {
            try
            {
                return Encoding.UTF8.GetString(File.ReadAllBytes($"/proc/{id}/environ")).Split('\0');
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return null; // it has ended, or is another user's
            }
        }
    }
}
