namespace Taiyi.Cli.Tests;

/// <summary>What libtorch's OpenMP says of its settings when it is loaded (libgomp, section "OMP_DISPLAY_ENV").</summary>
public class OpenMPTests
{
    [Theory]
    [InlineData(null, null, "3000")]
    [InlineData("GOMP_SPINCOUNT", "4242", "4242")]
    [InlineData("OMP_WAIT_POLICY", "PASSIVE", "0")]
    public void Idle_threads_sleep_soon_unless_the_user_says_otherwise(string? variable, string? value, string turns)
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Windows and macOS have another OpenMP.");
        }

        // An empty value is none: the tests themselves may run with one of these.
        Dictionary<string, string> environment = new() { ["OMP_DISPLAY_ENV"] = "VERBOSE", ["OMP_WAIT_POLICY"] = "", ["GOMP_SPINCOUNT"] = "" };
        if (variable is not null)
        {
            environment[variable] = value!;
        }

        using TemporaryFolder folder = new();
        CommandResult result = CommandProcess.Run(Repository.Root, environment, "generate", "苹果", "--steps", "1", "--output", folder.Path);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains($"GOMP_SPINCOUNT = '{turns}'", result.Error, StringComparison.Ordinal);
    }
}
