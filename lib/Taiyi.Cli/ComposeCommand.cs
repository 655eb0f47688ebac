using System.CommandLine;
using Spectre.Console;
using Taiyi.Workshop.Composing;

namespace Taiyi.Cli;

/// <summary><c>taiyi compose emoji|poster</c>: makes a training set out of the drawings in data/art.</summary>
internal static class ComposeCommand
{
    /// <summary>The command with one subcommand a style.</summary>
    public static Command Create()
    {
        Command compose = new("compose", "Compose a training set: pictures, Chinese captions and a README.");
        foreach (string style in ImageComposer.Names)
        {
            compose.Add(CreateStyle(style));
        }

        return compose;
    }

    private static Command CreateStyle(string style)
    {
        Option<string> output = new("--output") { Description = "Folder to write, for example data/" + style, Required = true };
        Option<string> data = new("--data") { Description = "Folder that holds art/", DefaultValueFactory = _ => "data" };
        Option<int> count = new("--count") { Description = "Number of pictures", DefaultValueFactory = _ => 120 };
        Option<int> seed = new("--seed") { Description = "Chooses subjects, colours and accents", DefaultValueFactory = _ => 0 };
        Command command = new(style, $"Compose the {style} set.") { output, data, count, seed };
        command.SetBody((parsed, token) => Compose(
            style, parsed.GetRequiredValue(output), parsed.GetRequiredValue(data), parsed.GetValue(count), parsed.GetValue(seed), token));
        return command;
    }

    private static int Compose(string style, string output, string data, int count, int seed, CancellationToken token)
    {
        if (File.Exists(Path.Combine(output, "metadata.jsonl")))
        {
            CommandRunner.Error.MarkupLineInterpolated($"[yellow]'{output}' holds a set already, which is replaced.[/]");
        }

        using OutputFolder folder = OutputFolder.Open(output);
        using ArtArchive art = ArtArchive.Open(Path.Combine(data, "art", "subjects-512.zip"));
        try
        {
            AnsiConsole.Progress().Start(display =>
            {
                ProgressTask bar = display.AddTask($"Composing {style}", maxValue: count);
                DatasetComposer.Write(ImageComposer.Of(style), art, output, count, seed, new Bar(bar), token);
            });
        }
        catch (OperationCanceledException)
        {
            CommandRunner.Error.MarkupLineInterpolated($"The pictures made so far are in '{output}'.");
            throw;
        }

        AnsiConsole.MarkupLineInterpolated($"{count} pictures with captions in [bold]{output}[/]");
        return CommandRunner.Success;
    }

    // Progress<T> would report from another thread, after the bar is gone.
    private sealed class Bar(ProgressTask task) : IProgress<ComposingProgress>
    {
        public void Report(ComposingProgress value) => task.Value = value.Done;
    }
}
