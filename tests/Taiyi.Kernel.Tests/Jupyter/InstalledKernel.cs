using System.Diagnostics;
using System.Text.Json.Nodes;
using Taiyi.Kernel.Jupyter;

namespace Taiyi.Kernel.Tests.Jupyter;

/// <summary>The kernel of the command <c>taiyi</c>, installed into a folder of its own, and the Python clients that drive it.</summary>
public sealed class InstalledKernel : IDisposable
{
    private const string Python = "/usr/bin/python3"; // Debian's, which owns the Jupyter packages

    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-kernel-").FullName;
    private readonly Lazy<bool> _clientsInstalled = new(() => File.Exists(Python) && Run("-c", "import ipykernel, nbclient, nbconvert, notebook").ExitCode == 0);

    public InstalledKernel()
    {
        // .../tests/Taiyi.Kernel.Tests/bin/CONFIGURATION/FRAMEWORK -> .../lib/Taiyi.Cli/bin/CONFIGURATION/FRAMEWORK
        string[] output = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar)[^2..];
        CommandFolder = Repository.PathTo($"lib/Taiyi.Cli/bin/{output[0]}/{output[1]}");
        KernelSpec.Install(Path.Combine(CommandFolder, "Taiyi.Cli.dll"), _folder);
    }

    /// <summary>The folder with the command and the libraries.</summary>
    public string CommandFolder { get; }

    /// <summary>A path for a file that goes with the kernel.</summary>
    public string PathTo(string file) => Path.Combine(_folder, file);

    /// <summary>Runs a scenario of real_client.py and returns the object that it printed.</summary>
    public JsonObject RunClient(string scenario, params string[] arguments)
    {
        if (!_clientsInstalled.Value)
        {
            string missing = "Debian's packages python3-nbclient, jupyter-nbconvert, jupyter-notebook and python3-ipykernel are not installed.";
            Assert.False(Environment.GetEnvironmentVariable("CI") == "true", missing);
            Assert.Skip(missing);
        }

        string script = Repository.PathTo("tests/Taiyi.Kernel.Tests/Jupyter/real_client.py");
        (int exitCode, string printed, string errors) = Run([script, KernelSpec.DefaultName, scenario, .. arguments], Path.Combine(_folder, "share", "jupyter"));
        Assert.True(exitCode == 0, $"{scenario} ended with {exitCode}:\n{errors}");
        return JsonNode.Parse(printed)!.AsObject();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (int ExitCode, string Printed, string Errors) Run(params string[] arguments) => Run(arguments, "");

    private static (int ExitCode, string Printed, string Errors) Run(string[] arguments, string jupyterPath)
    {
        // A folder that stays: a test of NotebookRunner that runs meanwhile has moved this process into one that it deletes.
        var start = new ProcessStartInfo(Python, arguments) { WorkingDirectory = Repository.PathTo("."), RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["JUPYTER_PATH"] = jupyterPath;
        start.Environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> printed = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(30)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{string.Join(' ', arguments)} did not end within half an hour.");
        }

        return (process.ExitCode, printed.Result, errors.Result);
    }
}
