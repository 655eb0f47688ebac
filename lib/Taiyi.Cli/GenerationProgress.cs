using Spectre.Console;

namespace Taiyi.Cli;

/// <summary>Progress of drawing on standard error: a bar for each prompt, or a line now and then where there is no terminal.</summary>
internal static class GenerationProgress
{
    /// <summary>Runs the body, which asks for the progress of prompt i by its index.</summary>
    public static T Show<T>(IReadOnlyList<string> prompts, bool quiet, Func<Func<int, IProgress<DenoisingStep>?>, T> body)
    {
        if (quiet)
        {
            return body(_ => null);
        }

        if (!CommandRunner.Error.Profile.Capabilities.Interactive)
        {
            return body(i => new LineReporter(prompts[i]));
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

    private sealed class LineReporter(string prompt) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep step)
        {
            if (step.Index == 0 || (step.Index + 1) % Math.Max(1, step.Total / 5) == 0)
            {
                Console.Error.WriteLine($"{prompt}  step {step.Index + 1}/{step.Total}");
            }
        }
    }

    private sealed class StepColumn : ProgressColumn
    {
        public override Spectre.Console.Rendering.IRenderable Render(Spectre.Console.Rendering.RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text($"{task.Value:0}/{task.MaxValue:0}");
    }
}
