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
        var user = new Option<bool>("--user") { Description = "Install for the current user (default)." };
        var prefix = new Option<string?>("--prefix") { Description = "Install for the Python environment in this folder.", HelpName = "FOLDER" };
        var name = new Option<string>("--name") { Description = "Name of the kernel in a notebook's metadata.", DefaultValueFactory = _ => KernelSpec.DefaultName };
        var overwrite = new Option<bool>("--overwrite") { Description = "Replace another program's kernel of that name." };
        var command = new Command("install", "Tell Jupyter about the kernel.") { user, prefix, name, overwrite };
        command.Validators.Add(result =>
        {
            if (result.GetValue(user) && result.GetValue(prefix) != null)
            {
                result.AddError("--user and --prefix exclude each other: give one of them.");
            }
        });
        command.SetAction(arguments => Guard(() =>
        {
            string folder = KernelSpec.Install(
                typeof(KernelCommands).Assembly.Location, arguments.GetValue(prefix), arguments.GetRequiredValue(name), arguments.GetValue(overwrite));
            Console.WriteLine($"Installed in {folder}");
        }));
        return command;
    }

    private static Command Run()
    {
        var file = new Argument<string>("CONNECTION_FILE") { Description = "The file with addresses and key that the Jupyter client wrote." };
        var command = new Command("run", "Run the kernel; Jupyter clients call this.") { file };

        // A synchronous action: an asynchronous one would end the process on the SIGINT that only interrupts a cell.
        command.SetAction(arguments => Guard(() => JupyterKernel.RunAsync(arguments.GetRequiredValue(file), NotebookHost.Create()).GetAwaiter().GetResult()));
        return command;
    }

    private static int Guard(Action action)
    {
        try
        {
            action();
            return 0;
        }
        catch (JupyterException error)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
    }
}
