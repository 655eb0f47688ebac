using System.Globalization;
using System.Text;
using Taiyi.Display.Formatting;
using Taiyi.Training;

namespace Taiyi.Display;

/// <summary>Shows a training while it runs: loss curve, learning rate, sample pictures, time left.</summary>
/// <remarks>
/// <code>
/// var live = new LiveTraining("表情包 LoRA");
/// live.Show();
/// live.Follow(run);
/// LoraTrainer.Train(pipeline, dataset, run, progress: live);
/// </code>
/// What is shown at the end is plain HTML and SVG, and stays when the notebook is opened again. Every member may be called from any thread.
/// </remarks>
/// <param name="title">Text above, in any language.</param>
/// <param name="updatesPerSecond">How often the display is renewed at most: front ends flicker when it is more.</param>
/// <param name="time">The clock; null takes the system's.</param>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class LiveTraining(string? title = null, double updatesPerSecond = 2, TimeProvider? time = null) : View, IProgress<TrainingProgress>
{
    private const int ShownSamples = 12;
    private const double Smooth = 0.9;
    private readonly Lock _lock = new();
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly List<TrainingProgress> _steps = [];
    private readonly List<ImageView> _samples = [];
    private Action<object>? _update;
    private RunFolder? _run;
    private long? _lastUpdate;

    /// <summary>Shows this below the running cell, where every report renews it in place.</summary>
    /// <exception cref="InvalidOperationException">No cell of a notebook runs.</exception>
    public void Show() => PushTo(HostDisplay.Show(this));

    /// <summary>Sets what renews the display where it is not a notebook cell; a cell calls <see cref="Show"/>.</summary>
    public void PushTo(Action<object> update) => _update = update;

    /// <summary>Shows the pictures that a training draws into its run's folder, as they come.</summary>
    public void Follow(RunFolder run) => _run = run;

    /// <summary>
    /// Adds a step to the curves, and its sample pictures if <see cref="Follow"/> named a run that has some. Renews the display if the
    /// last time is long enough ago, and always after the last step.
    /// </summary>
    public void Report(TrainingProgress value)
    {
        if (_run is { } run && File.Exists(run.SamplePath(value.Step)))
        {
            AddSample($"step {value.Step}", run.SamplePath(value.Step));
        }

        lock (_lock)
        {
            _steps.Add(value);
        }

        Push(now: value.Step >= value.TotalSteps);
    }

    /// <summary>Takes a picture that the model drew; the last twelve are shown.</summary>
    /// <param name="caption">Text under it, for example the step and the prompt.</param>
    /// <param name="image">Whatever <see cref="ImageView.From"/> takes.</param>
    public void AddSample(string caption, object image)
    {
        ImageView sample = ImageView.From(image, caption);
        lock (_lock)
        {
            _samples.Add(sample);
        }

        Push(now: false);
    }

    /// <summary>Renews the display a last time; needed only after a training that ended before its last step.</summary>
    public void Finish() => Push(now: true);

    /// <inheritdoc/>
    public override string ToHtml()
    {
        (TrainingProgress[] steps, ImageView[] samples) = Snapshot();
        double share = steps.Length == 0 ? 0 : Math.Clamp((double)steps[^1].Step / Math.Max(steps[^1].TotalSteps, 1), 0, 1);
        string percent = (100 * share).ToString("0.#", CultureInfo.InvariantCulture);
        StringBuilder html = new($"<div style=\"max-width:760px\"><div style=\"{Html.Small};font-size:13px\"><b>{Html.Escape(title ?? "Training")}</b> {Html.Escape(Status(steps))}</div>");
        html.Append("<div style=\"height:6px;border-radius:3px;background:rgba(128,128,128,.25);margin:6px 0\">" +
            $"<div style=\"height:6px;border-radius:3px;background:{ChartTheme.Colorway[2]};width:{percent}%\"></div></div>");
        if (steps.Length > 1)
        {
            html.Append(SvgChart.Render(Curves(steps)));
        }

        return html.Append(samples.Length == 0 ? "" : new ImageStrip([.. samples.TakeLast(ShownSamples)], 112).ToHtml()).Append("</div>").ToString();
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        (TrainingProgress[] steps, ImageView[] samples) = Snapshot();
        return string.Join('\n', samples.TakeLast(ShownSamples).Select(sample => sample.ToText()).Prepend($"{title ?? "Training"}: {Status(steps)}"));
    }

    private void Push(bool now)
    {
        Action<object>? update;
        lock (_lock)
        {
            long moment = _time.GetTimestamp();
            if (!now && _lastUpdate is { } last && _time.GetElapsedTime(last, moment).TotalSeconds < 1 / updatesPerSecond)
            {
                return;
            }

            _lastUpdate = moment;
            update = _update;
        }

        update?.Invoke(this);
    }

    private (TrainingProgress[], ImageView[]) Snapshot()
    {
        lock (_lock)
        {
            return ([.. _steps], [.. _samples]);
        }
    }

    private static string Status(TrainingProgress[] steps)
    {
        if (steps.Length == 0)
        {
            return "waits for its first step";
        }

        TrainingProgress last = steps[^1];
        double pace = steps.TakeLast(20).Average(step => step.Seconds);
        double mean = Smoothing.Exponential([.. steps.Select(step => step.Loss)], Smooth)[^1];
        string rest = last.Step >= last.TotalSteps
            ? $"done in {Numbers.Duration(TimeSpan.FromSeconds(steps.Sum(step => step.Seconds)))}"
            : $"{Numbers.Duration(TimeSpan.FromSeconds(pace * (last.TotalSteps - last.Step)))} left";
        return $"step {last.Step} of {last.TotalSteps} · loss {Numbers.Short(mean)} · learning rate {Numbers.Short(last.LearningRate)} · {Numbers.Short(pace)} s a step · {rest}";
    }

    private static ChartFigure Curves(TrainingProgress[] steps)
    {
        double[] numbers = [.. steps.Select(step => (double)step.Step)];
        double[] losses = [.. steps.Select(step => step.Loss)];
        ChartAxis axis = new() { Title = "step" };
        ChartTrace loss = new(TraceKind.Lines, "loss of the step", numbers, losses, ChartTheme.Colorway[0]) { LineWidth = 1, Opacity = 0.6, InLegend = true };
        ChartTrace mean = new(TraceKind.Lines, "running mean", numbers, Smoothing.Exponential(losses, Smooth), ChartTheme.Colorway[1]) { InLegend = true };
        ChartTrace rate = new(TraceKind.Lines, "learning rate", numbers, [.. steps.Select(step => step.LearningRate)], ChartTheme.Colorway[2]) { InLegend = true };
        return new ChartFigure([new ChartPanel(axis, new ChartAxis { Title = "loss" }, [loss, mean]), new ChartPanel(axis, new ChartAxis { Title = "learning rate" }, [rate])])
        {
            Columns = 2,
            Width = 760,
            Height = 270,
        };
    }
}
