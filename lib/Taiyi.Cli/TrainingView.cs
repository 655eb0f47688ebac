using Spectre.Console;
using Spectre.Console.Rendering;
using Taiyi.Training;

namespace Taiyi.Cli;

/// <summary>Progress of a training on standard error: a bar with loss and time left, or a line now and then where there is no terminal.</summary>
internal sealed class TrainingView : IProgress<int>, IProgress<TrainingProgress>
{
    private const double Smoothing = 0.95; // the loss of one step depends most on its timesteps

    private readonly int _pictures;
    private readonly ProgressTask? _encoding, _training;
    private double? _loss;

    private TrainingView(int pictures, ProgressTask? encoding, ProgressTask? training) => (_pictures, _encoding, _training) = (pictures, encoding, training);

    /// <summary>Runs the body with a view.</summary>
    public static LoraTrainingResult Show(int pictures, long steps, Func<TrainingView, LoraTrainingResult> body)
    {
        if (!CommandRunner.Error.Profile.Capabilities.Interactive)
        {
            return body(new TrainingView(pictures, null, null));
        }

        return CommandRunner.Error.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new CountColumn(), new RemainingTimeColumn())
            .Start(context => body(new TrainingView(
                pictures,
                context.AddTask("encoding", maxValue: pictures),
                context.AddTask("training", autoStart: false, maxValue: steps))));
    }

    /// <summary>Runs the body of a training that encodes nothing beforehand.</summary>
    public static void Show(long steps, Action<TrainingView> body)
    {
        if (!CommandRunner.Error.Profile.Capabilities.Interactive)
        {
            body(new TrainingView(0, null, null));
            return;
        }

        CommandRunner.Error.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new CountColumn(), new RemainingTimeColumn())
            .Start(context => body(new TrainingView(0, null, context.AddTask("training", maxValue: steps))));
    }

    /// <summary>Pictures encoded so far.</summary>
    public void Report(int value)
    {
        if (_encoding is not null)
        {
            _encoding.Value = value;
        }
        else if (value == _pictures)
        {
            Console.Error.WriteLine($"{value} pictures encoded");
        }
    }

    /// <inheritdoc/>
    public void Report(TrainingProgress value)
    {
        _loss = _loss is { } mean ? Smoothing * mean + (1 - Smoothing) * value.Loss : value.Loss;
        string text = FormattableString.Invariant($"loss {_loss:f4}  lr {value.LearningRate:g2}");
        if (_training is not null)
        {
            if (!_training.IsStarted)
            {
                _training.StartTask();
            }

            _training.Description = text;
            _training.Value = value.Step;
        }
        else if (value.Step % Math.Max(1, value.TotalSteps / 20) == 0 || value.Step == value.TotalSteps)
        {
            TimeSpan left = TimeSpan.FromSeconds(value.Seconds * (value.TotalSteps - value.Step));
            Console.Error.WriteLine(FormattableString.Invariant($"step {value.Step}/{value.TotalSteps}  {text}  {value.Seconds:f2} s a step, {left:h\\:mm\\:ss} left"));
        }
    }

    private sealed class CountColumn : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text($"{task.Value:0}/{task.MaxValue:0}");
    }
}
