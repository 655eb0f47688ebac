using Spectre.Console;

namespace Taiyi.Cli;

/// <summary>A progress bar on standard error, a line for each prompt: step, share and time left.</summary>
internal static class GenerationProgress
{
    /// <summary>Runs the body, which asks for the progress of prompt i by its index.</summary>
    public static T Show<T>(IReadOnlyList<string> prompts, bool quiet, Func<Func<int, IProgress<DenoisingStep>?>, T> body)
    {
        if (quiet || !CommandRunner.Error.Profile.Capabilities.Interactive)
        {
            return body(_ => null);
        }

        return CommandRunner.Error.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new StepColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask[] tasks = [.. prompts.Select(p => context.AddTask(Markup.Escape(p), autoStart: false))];
                return body(i => new StepReporter(tasks[i]));
            });
    }

    private sealed class StepReporter(ProgressTask task) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep step)
        {
            if (!task.IsStarted)
            {
                task.StartTask();
            }

            task.MaxValue = step.Total;
            task.Value = step.Index + 1;
        }
    }

    private sealed class StepColumn : ProgressColumn
    {
        public override Spectre.Console.Rendering.IRenderable Render(Spectre.Console.Rendering.RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text($"{task.Value:0}/{task.MaxValue:0}");
    }
}
