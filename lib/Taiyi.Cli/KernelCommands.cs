using System.CommandLine;
using Taiyi.Kernel.Jupyter;

namespace Taiyi.Cli;

/// <summary><c>taiyi kernel</c>: the C# kernel of Jupyter clients.</summary>
internal static class KernelCommands
{
    /// <summary>The command <c>kernel</c> with its verbs <c>install</c> and <c>run</c>.</summary>
    public static Command Create() => new("kernel", "The C# kernel for JupyterLab, Jupyter Notebook and VS Code.") { Install(), Run() };

    private static Command Install()
    {
        Option<bool> user = new("--user") { Description = "Install for the current user (default)." };
        Option<string?> prefix = new("--prefix") { Description = "Install for the Python environment in this folder.", HelpName = "FOLDER" };
        Option<string> name = new("--name") { Description = "Name of the kernel in a notebook's metadata.", DefaultValueFactory = _ => KernelSpec.DefaultName };
        Option<bool> overwrite = new("--overwrite") { Description = "Replace another program's kernel of that name." };
        Command command = new("install", "Tell Jupyter about the kernel.") { user, prefix, name, overwrite };
        command.Validators.Add(result =>
        {
            if (result.GetValue(user) && result.GetValue(prefix) != null)
            {
                result.AddError("--user and --prefix exclude each other: give one of them.");
            }
        });
        command.SetBody((parsed, _) =>
        {
            string folder = KernelSpec.Install(
                typeof(KernelCommands).Assembly.Location, parsed.GetValue(prefix), parsed.GetRequiredValue(name), parsed.GetValue(overwrite));
            Console.WriteLine($"Installed in {folder}");
            return CommandRunner.Success;
        });
        return command;
    }

    private static Command Run()
    {
        Argument<string> file = new("CONNECTION_FILE") { Description = "The file with addresses and key that the Jupyter client wrote." };
        Command command = new("run", "Run the kernel; Jupyter clients call this.") { file };
        // SIGINT only interrupts a cell: the kernel answers it itself.
        command.SetBody(parsed =>
        {
            JupyterKernel.RunAsync(parsed.GetRequiredValue(file), NotebookHost.Create()).GetAwaiter().GetResult();
            return CommandRunner.Success;
        });
        return command;
    }
}
