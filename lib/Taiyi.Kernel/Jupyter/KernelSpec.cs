using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Taiyi.Kernel.Jupyter;

/// <summary>
/// Tells Jupyter clients how to start the kernel: a folder with <c>kernel.json</c>
/// (<see href="https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs">jupyter_client, Kernel specs</see>).
/// </summary>
public static partial class KernelSpec
{
    /// <summary>The name of the kernel where none is given. .NET Interactive's own is <c>.net-csharp</c>: both may stand side by side.</summary>
    public const string DefaultName = "taiyi-csharp";

    private const string DisplayName = "C# (Taiyi)";

    private const string Implementation = "Taiyi";

    /// <summary>Installs the kernel, in place of an older installation of itself.</summary>
    /// <param name="command">The assembly (.dll) whose verbs <c>kernel run CONNECTION_FILE</c> run the kernel.</param>
    /// <param name="prefix">The Python environment to install for, for instance <c>/usr/local</c>; null for the user.</param>
    /// <param name="name">The kernel's name, which a notebook's metadata holds.</param>
    /// <param name="overwrite">Whether another program's kernel of that name gives way.</param>
    /// <returns>The folder of the kernel.</returns>
    /// <exception cref="JupyterException">The name is no kernel name, belongs to another kernel, or the folder cannot be written.</exception>
    public static string Install(string command, string? prefix = null, string name = DefaultName, bool overwrite = false)
    {
        if (!ValidName().IsMatch(name))
        {
            throw new JupyterException($"'{name}' is no kernel name: letters, digits, '-', '_' and '.' are allowed. Choose another with --name.");
        }

        string folder = Path.Combine(prefix == null ? UserDataFolder() : Path.Combine(Path.GetFullPath(prefix), "share", "jupyter"), "kernels", name);
        string file = Path.Combine(folder, "kernel.json");
        if (!overwrite && File.Exists(file) && !IsOurs(file))
        {
            throw new JupyterException($"'{folder}' holds a kernel of another program: choose another --name, or replace it with --overwrite.");
        }

        try
        {
            AtomicWrite.Text(file, Describe(Path.GetFullPath(command)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new JupyterException($"The kernel cannot be written to '{folder}': {error.Message} Choose a folder of your own with --prefix.", error);
        }

        return folder;
    }

    /// <summary>The user's Jupyter data folder, where jupyter_core's <c>jupyter_data_dir</c> has it.</summary>
    public static string UserDataFolder()
    {
        if (Environment.GetEnvironmentVariable("JUPYTER_DATA_DIR") is { Length: > 0 } configured)
        {
            return configured;
        }

        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return OperatingSystem.IsWindows() ? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "jupyter")
            : OperatingSystem.IsMacOS() ? Path.Combine(home, "Library", "Jupyter")
            : Environment.GetEnvironmentVariable("XDG_DATA_HOME") is { Length: > 0 } data ? Path.Combine(data, "jupyter")
            : Path.Combine(home, ".local", "share", "jupyter");
    }

    private static string Describe(string command) => new JsonObject
    {
        ["argv"] = new JsonArray(DotnetHost(), command, "kernel", "run", "{connection_file}"),
        ["display_name"] = DisplayName,
        ["language"] = "C#",
        ["interrupt_mode"] = "message",
        ["metadata"] = new JsonObject { ["debugger"] = false, ["implementation"] = Implementation },
    }.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";

    // The host that runs now, by its full path: a Jupyter started from a desktop may know no PATH with dotnet.
    private static string DotnetHost()
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!; // ROOT/shared/Microsoft.NETCore.App/VERSION
        string host = Path.GetFullPath(Path.Combine(framework, "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        return File.Exists(host) ? host : "dotnet";
    }

    private static bool IsOurs(string file)
    {
        try
        {
            return (string?)JsonNode.Parse(File.ReadAllText(file))?["metadata"]?["implementation"] == Implementation;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    [GeneratedRegex("^[A-Za-z0-9._-]+$")]
    private static partial Regex ValidName();
}
