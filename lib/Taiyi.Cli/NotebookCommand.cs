using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Spectre.Console;
using Taiyi.Kernel.Engine;
using Taiyi.Kernel.Notebooks;

namespace Taiyi.Cli;

/// <summary><c>taiyi notebook run</c>: executes notebooks without a front end and stores their outputs.</summary>
internal sealed class NotebookCommand
{
    /// <summary>A cell failed, as <c>dotnet repl</c> tells it.</summary>
    private const int CellFailed = 2;

    private readonly Argument<string> _path = new("FILE|FOLDER") { Description = "A notebook, or a folder whose notebooks are all run" };

    private readonly Option<string?> _output = new("--output", "-o") { Description = "Where the executed notebook goes; in place if absent", HelpName = "FILE|FOLDER" };

    private readonly Option<double?> _timeout = new("--timeout") { Description = "The longest that one cell may run, in seconds; no limit if absent", HelpName = "SECONDS" };

    private readonly Option<string[]> _parameters = new("--parameters", "-p")
    {
        Description = "Sets a variable of the cell tagged 'parameters'; may be given several times",
        HelpName = "NAME=VALUE",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [],
    };

    private readonly Option<bool> _allowErrors = new("--allow-errors") { Description = "Go on after a cell that fails, and exit with 0" };

    private readonly Option<bool> _json = new("--json") { Description = "Print a JSON summary of every cell" };

    public static Command Create()
    {
        NotebookCommand self = new();
        Command run = new("run", "Run notebooks in this process and write them with their outputs; exit code 2 if a cell failed")
        {
            self._path, self._output, self._timeout, self._parameters, self._allowErrors, self._json,
        };
        run.SetBody(self.Run);
        return new Command("notebook", "Run notebooks from the command line") { run };
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        NotebookRunOptions options = new()
        {
            Output = parsed.GetValue(_output),
            CellTimeout = parsed.GetValue(_timeout) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            Parameters = ReadParameters(parsed.GetValue(_parameters)!),
            AllowErrors = parsed.GetValue(_allowErrors),
        };
        bool json = parsed.GetValue(_json);
        if (options.Output is { } output && File.Exists(output) && Path.GetFullPath(output) != Path.GetFullPath(parsed.GetValue(_path)!))
        {
            CommandRunner.Error.MarkupLineInterpolated($"'{output}' is there already and will be replaced.");
        }

        IReadOnlyList<NotebookResult> results = new NotebookRunner(options, NotebookHost.Create())
            .RunAsync(parsed.GetValue(_path)!, json ? null : new CellLines(), cancellationToken)
            .GetAwaiter().GetResult();

        if (json)
        {
            Console.WriteLine(new JsonArray([.. results.Select(r => r.ToJson())]).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        }

        foreach (NotebookResult failed in results.Where(r => !r.Succeeded))
        {
            CommandRunner.Error.MarkupLineInterpolated($"[red]{failed.Problem}[/]");
        }

        return results.All(r => r.Succeeded) ? CommandRunner.Success : CellFailed;
    }

    private static Dictionary<string, string> ReadParameters(string[] pairs)
    {
        Dictionary<string, string> parameters = [];
        foreach (string pair in pairs)
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1)
            {
                throw new ArgumentException($"--parameters {pair} is not NAME=VALUE, such as steps=10.");
            }

            parameters[pair[..equals]] = pair[(equals + 1)..];
        }

        return parameters;
    }

    /// <summary>A line for each cell that ended: notebook, number, time.</summary>
    private sealed class CellLines : IProgress<NotebookProgress>
    {
        public void Report(NotebookProgress value)
        {
            if (value.Status is not { } status)
            {
                return;
            }

            string color = status == CellStatus.Succeeded ? "green" : "red";
            CommandRunner.Error.MarkupLine(
                $"{Markup.Escape(Path.GetFileName(value.File))}  {value.Cell}/{value.CellCount}  [{color}]{status.ToString().ToLowerInvariant()}[/]  {value.Elapsed.TotalSeconds:0.0} s");
        }
    }
}
