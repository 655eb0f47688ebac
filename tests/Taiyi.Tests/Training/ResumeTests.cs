using Taiyi.Files;
using Taiyi.Training;

namespace Taiyi.Tests.Training;

[NoTensorLeak]
public class ResumeTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]  // between the two passes of the second step
    [InlineData(9)]
    public void A_run_stopped_at_any_pass_goes_on_to_the_bits_of_one_never_stopped(int stopAtPass)
    {
        using TinyTraining tiny = new();
        TrainingRun whole = tiny.Train("whole");
        TrainingRun stopped = TrainingRun.Create(tiny.Folder("stopped"), TinyTraining.Options);

        using (CancellationTokenSource cancellation = new())
        {
            int passes = 0;
            var hook = tiny.Pipeline.UNet.register_forward_hook((_, _, _, _, output) =>
            {
                if (++passes == stopAtPass)
                {
                    cancellation.Cancel();
                }

                return output;
            });
            Assert.Throws<OperationCanceledException>(() => LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, stopped, cancellationToken: cancellation.Token));
            hook.remove();
            Assert.Equal(stopAtPass, passes);
            Assert.Equal(stopAtPass / 2, stopped.ReadLog().Count); // two passes a step
        }

        LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, TrainingRun.Open(stopped.Folder));
        AssertSameRun(whole, stopped);
    }

    [Fact]
    public void Ctrl_C_through_the_current_interruption_saves_the_last_whole_step()
    {
        using TinyTraining tiny = new();
        TrainingRun run = TrainingRun.Create(tiny.Folder("run"), TinyTraining.Options);
        using CancellationTokenSource ctrlC = new();
        using (Interruption.Use(ctrlC.Token))
        {
            Assert.Throws<OperationCanceledException>(() => LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, run, new OnStep(3, ctrlC.Cancel)));
        }

        Assert.Equal(run.CheckpointPath(3), run.LatestCheckpoint);
    }

    [Fact]
    public void Log_lines_after_the_checkpoint_and_half_written_ones_are_dropped()
    {
        using TinyTraining tiny = new();
        TrainingRun whole = tiny.Train("whole");
        TrainingRun run = tiny.Train("run", TinyTraining.Options with { KeepCheckpoints = 9 });
        Assert.Equal([2L, 4, 6], run.Checkpoints.Select(path => long.Parse(Path.GetFileName(path)["step-".Length..])));
        Directory.Delete(run.CheckpointPath(6), recursive: true); // as if it was killed after step 6, before its checkpoint
        Directory.CreateDirectory(run.CheckpointPath(6) + ".0123.tmp");
        File.AppendAllText(run.LogPath, "{\"step\":7,\"totalSt");

        LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, TrainingRun.Open(run.Folder));

        AssertSameRun(whole, run);
        Assert.Empty(Directory.GetDirectories(run.CheckpointsFolder, "*.tmp"));
    }

    [Fact]
    public void Only_the_newest_checkpoints_are_kept()
    {
        using TinyTraining tiny = new();
        TrainingRun run = tiny.Train("run", TinyTraining.Options with { CheckpointEvery = 1, KeepCheckpoints = 2 });
        Assert.Equal([run.CheckpointPath(5), run.CheckpointPath(6)], run.Checkpoints);
    }

    [Fact]
    public void A_checkpoint_that_cannot_be_written_stops_the_run_and_loses_no_earlier_one()
    {
        using TinyTraining tiny = new();
        TrainingRun whole = tiny.Train("whole");
        TrainingRun run = TrainingRun.Create(tiny.Folder("run"), TinyTraining.Options);
        Directory.CreateDirectory(run.CheckpointsFolder);
        File.WriteAllText(run.CheckpointPath(4), "in the way");

        Assert.ThrowsAny<IOException>(() => LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, run));
        Assert.Equal([run.CheckpointPath(2)], run.Checkpoints);
        Assert.Empty(Directory.GetDirectories(run.CheckpointsFolder, "*.tmp"));

        File.Delete(run.CheckpointPath(4));
        LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, TrainingRun.Open(run.Folder));
        AssertSameRun(whole, run);
    }

    [Fact]
    public void A_full_disk_stops_the_run_and_loses_no_checkpoint()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "The system has no /dev/full, a file on which every write fails for want of space.");
        using TinyTraining tiny = new();
        TrainingRun whole = tiny.Train("whole");
        TrainingRun run = TrainingRun.Create(tiny.Folder("run"), TinyTraining.Options);
        void FillDisk()
        {
            File.Delete(run.LogPath);
            File.CreateSymbolicLink(run.LogPath, "/dev/full");
        }

        Assert.ThrowsAny<IOException>(() => LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, run, new OnStep(3, FillDisk)));
        Assert.Equal([run.CheckpointPath(2)], run.Checkpoints);

        File.Delete(run.LogPath);
        LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, TrainingRun.Open(run.Folder));
        Assert.Equal(File.ReadAllBytes(whole.LoraPath), File.ReadAllBytes(run.LoraPath));
    }

    [Fact]
    public void Other_data_are_refused()
    {
        using TinyTraining tiny = new();
        TrainingRun run = tiny.Train("run", TinyTraining.Options with { Steps = 2 });
        File.WriteAllText(Path.Combine(tiny.Data, "p3.txt"), "一只鸭");
        TrainingException error = Assert.Throws<TrainingException>(() => LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, TrainingRun.Open(run.Folder)));
        Assert.Contains("other pictures or captions", error.Message);
    }

    [Fact]
    public void A_folder_with_a_run_is_not_overwritten_and_one_without_cannot_be_resumed()
    {
        using TinyTraining tiny = new();
        TrainingRun.Create(tiny.Folder("run"), TinyTraining.Options);
        Assert.Contains("--resume", Assert.Throws<IOException>(() => TrainingRun.Create(tiny.Folder("run"), TinyTraining.Options)).Message);
        Assert.Contains("no training to go on with", Assert.Throws<TrainingException>(() => TrainingRun.Open(tiny.Data)).Message);
        File.WriteAllText(Path.Combine(tiny.Folder("run"), "options.json"), "{\"learningRat\": 1}");
        Assert.Contains("learningRat", Assert.Throws<TrainingException>(() => TrainingRun.Open(tiny.Folder("run"))).Message);
    }

    private static void AssertSameRun(TrainingRun expected, TrainingRun actual)
    {
        Assert.Equal(TinyTraining.Curve(expected), TinyTraining.Curve(actual));
        Assert.Equal(File.ReadAllBytes(expected.LoraPath), File.ReadAllBytes(actual.LoraPath));
        Assert.All(
            Directory.GetFiles(expected.LatestCheckpoint!),
            file => Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(actual.LatestCheckpoint!, Path.GetFileName(file)))));
    }

    private sealed class OnStep(long step, Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
            {
                action();
            }
        }
    }
}
