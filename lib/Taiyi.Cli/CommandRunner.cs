using System.CommandLine;
using System.Text.RegularExpressions;
using Spectre.Console;
using Taiyi.Files;
using Taiyi.Kernel;

namespace Taiyi.Cli;

/// <summary>Runs the body of a verb: expected faults become one sentence and an exit code, Ctrl-C ends it cleanly.</summary>
internal static partial class CommandRunner
{
    /// <summary>Everything went well.</summary>
    public const int Success = 0;

    /// <summary>The input was at fault, and the sentence on standard error says how.</summary>
    public const int Failure = 1;

    /// <summary>What shells give a program that Ctrl-C ended: 128 + SIGINT.</summary>
    public const int Interrupted = 130;

    /// <summary>Standard error: progress and faults go there, so that standard output holds the result alone.</summary>
    public static IAnsiConsole Error { get; } = CreateErrorConsole();

    /// <summary>Writes sentences that the user should read, a line each, to standard error.</summary>
    public static void Warn(IEnumerable<string> sentences)
    {
        foreach (string sentence in sentences)
        {
            Error.MarkupLineInterpolated($"[yellow]{sentence}[/]");
        }
    }

    private static IAnsiConsole CreateErrorConsole()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        if (Console.IsErrorRedirected)
        {
            console.Profile.Width = 4096; // a log keeps each sentence on one line
        }

        return console;
    }

    /// <summary>Sets the body of a verb. Its token is cancelled by Ctrl-C, and is the current <see cref="Interruption"/>.</summary>
    public static void SetBody(this Command command, Func<ParseResult, CancellationToken, int> body) =>
        command.SetAction((parsed, cancellationToken) => Task.FromResult(Run(() =>
        {
            using IDisposable scope = Interruption.Use(cancellationToken);
            return body(parsed, cancellationToken);
        })));

    /// <summary>Sets the body of a verb that answers signals itself.</summary>
    /// <remarks>A synchronous action: an asynchronous one would end the process on Ctrl-C.</remarks>
    public static void SetBody(this Command command, Func<ParseResult, int> body) => command.SetAction(parsed => Run(() => body(parsed)));

    private static int Run(Func<int> body)
    {
        try
        {
            return body();
        }
        catch (OperationCanceledException)
        {
            Error.MarkupLine("[yellow]Stopped.[/]");
            return Interrupted;
        }
        catch (Exception fault) when (IsSentence(fault))
        {
            Error.MarkupLineInterpolated($"[red]{ParameterTail().Replace(fault.Message, "")}[/]");
            return Failure;
        }
    }

    // What .NET's own exceptions of arguments end with: the name of a parameter in its code says nothing to the user.
    [GeneratedRegex(@" \(Parameter '[^']*'\)|\r?\nActual value was [^\n]*")]
    private static partial Regex ParameterTail();

    /// <summary>Exceptions of this project say what to do next; so do those of bad arguments and of files. Anything else is a bug.</summary>
    public static bool IsSentence(Exception fault) =>
        fault is ArgumentException or IOException or UnauthorizedAccessException or NotSupportedException or TaiyiException or KernelException;
}
