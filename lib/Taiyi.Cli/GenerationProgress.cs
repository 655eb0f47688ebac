using Spectre.Console;

namespace Taiyi.Cli;

/// <summary>Progress of drawing on standard error: a bar for each prompt, or a line now and then where there is no terminal.</summary>
internal static class GenerationProgress
{
    /// <summary>The progress of one batch of a prompt.</summary>
    /// <param name="prompt">Index of the prompt.</param>
    /// <param name="batch">Index of the batch.</param>
    /// <param name="batches">Batches of a prompt.</param>
    public delegate IProgress<DenoisingStep>? OfBatch(int prompt, int batch, int batches);

    /// <summary>Runs the body, which asks for the progress of every batch.</summary>
    public static void Show(IReadOnlyList<string> prompts, bool quiet, Action<OfBatch> body)
    {
        if (quiet)
        {
            body((_, _, _) => null);
            return;
        }

        if (!CommandRunner.Error.Profile.Capabilities.Interactive)
        {
            body((prompt, _, _) => new LineReporter(prompts[prompt]));
            return;
        }

        CommandRunner.Error.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new StepColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                ProgressTask[] tasks = [.. prompts.Select(p => context.AddTask(Markup.Escape(p), autoStart: false))];
                body((prompt, batch, batches) => new StepReporter(tasks[prompt], batch, batches));
            });
    }

    private sealed class StepReporter(ProgressTask task, int batch, int batches) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep step)
        {
            if (!task.IsStarted)
            {
                task.StartTask();
            }

            task.MaxValue = batches * step.Total;
            task.Value = (batch * step.Total) + step.Index + 1;
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
