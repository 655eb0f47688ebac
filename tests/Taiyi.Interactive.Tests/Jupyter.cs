using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Taiyi.Interactive.Tests;

/// <summary>Jupyter with both kernels, as the README installs them, in a folder of a test.</summary>
internal static class Jupyter
{
    /// <summary>
    /// The collection of all tests that start .NET Interactive's kernel over Jupyter: two that start at the same moment find the same port free,
    /// and one of them ends. The folder of kernels is also one for the process.
    /// </summary>
    public const string OneAtATime = "Jupyter";

    /// <summary>Installs <c>taiyi-csharp</c> and <c>.net-csharp</c> below <c>share/jupyter/kernels</c> of a folder, where the clients of this process look from now on.</summary>
    public static void InstallKernels(string prefix)
    {
        string kernels = Directory.CreateDirectory(Path.Combine(prefix, "share", "jupyter", "kernels")).FullName;
        Run("dotnet", Command, "kernel", "install", "--prefix", prefix);
        Directory.CreateDirectory(Path.Combine(kernels, ".net-csharp"));
        // A notebook's folder is not below the repository, where `dotnet interactive` would find the tool by itself.
        JsonArray start = ["sh", "-c", "cd \"$0\" && exec dotnet tool run dotnet-interactive -- jupyter --default-kernel csharp \"$1\" --http-port-range 2048-3000", Repository.Root, "{connection_file}"];
        File.WriteAllText(Path.Combine(kernels, ".net-csharp", "kernel.json"), new JsonObject { ["argv"] = start, ["display_name"] = ".NET (C#)", ["language"] = "C#" }.ToJsonString());
        Environment.SetEnvironmentVariable("JUPYTER_PATH", Path.Combine(prefix, "share", "jupyter"));
    }

    /// <summary>Runs a program in the repository's folder and gives what it printed; it has to succeed.</summary>
    public static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Repository.Root })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}:\n{printed}{errors.Result}");
        return printed;
    }

    private static string Command
    {
        get
        {
            string[] output = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar)[^2..];
            return Path.Combine(Repository.Root, "lib", "Taiyi.Cli", "bin", output[0], output[1], "Taiyi.Cli.dll");
        }
    }
}
