using System.Xml.Linq;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Training;

namespace Taiyi.Display.Tests;

public sealed class LiveTrainingTests
{
    private static readonly Image<Rgb24> Dot = new(1, 1, new Rgb24(1, 2, 3));

    [Fact]
    public void Updates_come_a_few_times_a_second_and_after_the_last_step()
    {
        Clock clock = new();
        LiveTraining live = new("t", updatesPerSecond: 2, clock);
        List<string> shown = [];
        live.PushTo(view => shown.Add(((View)view).ToText()));

        for (int step = 1; step <= 100; step++)
        {
            live.Report(Step(step, 100, 1.0, 1e-4, 0.1));
            clock.Advance(0.1);
        }

        // Steps 1, 6, 11, …, 96 are half a second apart; 100 is the last.
        Assert.Equal(21, shown.Count);
        Assert.Contains("step 6 of 100", shown[1], StringComparison.Ordinal);
        Assert.Contains("step 100 of 100", shown[^1], StringComparison.Ordinal);
        Assert.Contains("done in 10 s", shown[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_time_left_is_that_of_the_steps_left()
    {
        LiveTraining live = new();
        live.Report(Step(10, 400, 0.5, 2e-4, 0.5));

        Assert.Equal("Training: step 10 of 400 · loss 0.5 · learning rate 0.0002 · 0.5 s a step · 3 min 15 s left", live.ToText()); // 390 times 0.5 s
    }

    [Fact, NoTensorLeak]
    public void What_is_shown_at_the_end_needs_no_script()
    {
        LiveTraining live = new("表情包 <LoRA>");
        live.Report(Step(1, 2, 0.5, 1e-4, 1));
        live.Report(Step(2, 2, 0.25, 1e-4, 1));
        live.AddSample("步 2 · 猫", Dot);

        XElement html = XElement.Parse(live.ToHtml());

        Assert.DoesNotContain("<script", live.ToHtml(), StringComparison.Ordinal);
        Assert.Contains("表情包 <LoRA>", html.Value, StringComparison.Ordinal);
        Assert.Equal(3, html.Descendants().Count(element => (string?)element.Attribute("class") == "line"));
        Assert.Equal("步 2 · 猫", Assert.Single(html.Descendants("figcaption")).Value);
        Assert.Equal([1, 2, 3], Assert.Single(Samples.PicturesOf(live.ToHtml())).ToBytes());
    }

    [Fact]
    public void The_last_twelve_samples_are_shown()
    {
        LiveTraining live = new();
        for (int k = 0; k < 15; k++)
        {
            live.AddSample($"sample {k}", Dot);
        }

        Assert.Equal(Enumerable.Range(3, 12).Select(k => $"sample {k}"), XElement.Parse(live.ToHtml()).Descendants("figcaption").Select(caption => caption.Value));
    }

    [Fact]
    public void A_training_that_stops_early_is_shown_by_finish()
    {
        Clock clock = new();
        LiveTraining live = new(time: clock);
        int updates = 0;
        live.PushTo(_ => updates++);
        live.Report(Step(1, 100, 1, 1e-4, 0.1));
        live.Report(Step(2, 100, 1, 1e-4, 0.1));

        live.Finish();

        Assert.Equal(2, updates);
    }

    [Fact]
    public void The_pictures_of_a_followed_run_come_with_the_step_that_drew_them()
    {
        string folder = Directory.CreateTempSubdirectory("taiyi-live-").FullName;
        try
        {
            TrainingRun run = TrainingRun.Create(Path.Combine(folder, "run"), new LoraTrainingOptions { Steps = 3 });
            ImageFile.WritePng(run.SamplePath(2), Dot);
            LiveTraining live = new();
            live.Follow(run);

            foreach (long step in (long[])[1, 2, 3])
            {
                live.Report(Step(step, 3, 0.25, 1e-4, 2));
            }

            Assert.Equal("step 2", Assert.Single(XElement.Parse(live.ToHtml()).Descendants("figcaption")).Value);
            Assert.StartsWith("Training: step 3 of 3 · loss 0.25 · learning rate 0.0001 · 2 s a step · done in 6.0 s", live.ToText(), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Steps_may_be_reported_while_another_thread_shows_them()
    {
        LiveTraining live = new();
        Parallel.For(0, 200, step =>
        {
            live.Report(Step(step, 1000, 1, 1e-4, 0.1));
            Assert.NotEmpty(live.ToText());
        });

        Assert.Contains("points", Table.Of([new { points = live.ToHtml().Length }]).ToText(), StringComparison.Ordinal);
    }

    private static TrainingProgress Step(long step, long totalSteps, double loss, double learningRate, double seconds) =>
        new(step, totalSteps, Epoch: 0, loss, learningRate, GradNorm: 1, seconds, MemoryBytes: 0, LiveTensors: 0);

    private sealed class Clock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => _ticks;

        public void Advance(double seconds) => _ticks += (long)Math.Round(seconds * 1000);
    }
}
