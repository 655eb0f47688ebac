using System.Diagnostics;

namespace Taiyi.Cli.Tests;

/// <summary>The command as a user runs it: its own process.</summary>
internal static class CommandProcess
{
    /// <summary>Runs <c>taiyi</c> in a folder and waits for its end.</summary>
    public static CommandResult Run(string folder, params string[] arguments) => Run(folder, new Dictionary<string, string>(), arguments);

    /// <summary>The same with environment variables.</summary>
    public static CommandResult Run(string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        using Process process = Start(folder, environment, arguments);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(10)), $"taiyi {string.Join(' ', arguments)} did not end within 10 minutes.");
        return new CommandResult(process.ExitCode, output, error.Result);
    }

    /// <summary>Starts <c>taiyi</c> in a folder.</summary>
    public static Process Start(string folder, params string[] arguments) => Start(folder, new Dictionary<string, string>(), arguments);

    private static Process Start(string folder, IReadOnlyDictionary<string, string> environment, string[] arguments)
    {
        // A shell that starts a job in the background makes it ignore SIGINT, and the command would inherit that.
        string[] program = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", "dotnet"] : ["dotnet"];
        ProcessStartInfo start = new(program[0], [.. program[1..], Path.Combine(AppContext.BaseDirectory, "Taiyi.Cli.dll"), .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}

/// <param name="ExitCode">0 for success.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record CommandResult(int ExitCode, string Output, string Error)
{
    /// <summary>One clear sentence and a non-zero exit code, never a stack trace.</summary>
    public void AssertFailsWith(params string[] parts)
    {
        Assert.NotEqual(0, ExitCode);
        string text = (Error + Output).ReplaceLineEndings(" ");
        Assert.All(parts, part => Assert.Contains(part, text, StringComparison.Ordinal));
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", Error, StringComparison.Ordinal);
    }
}
