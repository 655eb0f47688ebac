using Taiyi.Lora;
using Taiyi.Tests.Lora;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Tests.Training;

[NoTensorLeak]
public class LoraTrainerTests
{
    [Fact]
    public void A_training_changes_the_LoRA_alone_and_leaves_a_file_that_loads()
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new();
        Dictionary<string, Tensor> before = TinyUNet.Weights(tiny.Pipeline.UNet);

        TrainingRun run = TrainingRun.Create(tiny.Folder("run"), TinyTraining.Options);
        LoraTrainingResult result = LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, run);

        Assert.All(tiny.Pipeline.UNet.named_parameters(), p => Assert.True(TinyUNet.SameBits(before[p.name], p.parameter), p.name));
        Assert.Equal((run.LoraPath, 6L), (result.LoraPath, result.Steps));
        Assert.InRange(result.RelativeChange, 1e-6, 1e-1);
        using LoraAdapter adapter = LoraAdapter.Load(tiny.Pipeline.UNet, run.LoraPath);
        Assert.Equal((2, 4.0), (adapter.Config.Rank, adapter.Config.Alpha));
        Assert.Contains(adapter.Layers.Values, layer => layer.B.abs().max().item<float>() > 0);
    }

    [Fact]
    public void The_log_has_a_line_a_step_and_no_step_keeps_tensors()
    {
        using TinyTraining tiny = new();
        IReadOnlyList<TrainingProgress> log = tiny.Train("run").ReadLog();
        Assert.Equal([1L, 2, 3, 4, 5, 6], log.Select(line => line.Step));
        Assert.Equal(6 * 2 * 2 / 6.0, log[^1].Epoch, 1e-12); // steps, accumulation, batch, pictures
        Assert.Equal(0, log[0].LearningRate);                // warm-up
        Assert.All(log, line => Assert.True(line.Loss > 0 && line.GradNorm > 0 && line.MemoryBytes > 1e6 && line.Seconds > 0));
        Assert.Single(log.Skip(1).Select(line => line.LiveTensors).Distinct());
    }

    [Fact]
    public void The_same_seed_gives_the_same_bits_and_another_seed_does_not()
    {
        using TinyTraining tiny = new();
        TrainingRun first = tiny.Train("first"), second = tiny.Train("second");
        TrainingRun other = tiny.Train("other", TinyTraining.Options with { RandomSeed = 4 });
        Assert.Equal(TinyTraining.Curve(first), TinyTraining.Curve(second));
        Assert.Equal(File.ReadAllBytes(first.LoraPath), File.ReadAllBytes(second.LoraPath));
        Assert.NotEqual(TinyTraining.Curve(first), TinyTraining.Curve(other));
    }

    [Fact]
    public void Gradient_checkpointing_changes_memory_not_the_training()
    {
        using TinyTraining tiny = new();
        double[] plain = [.. tiny.Train("plain").ReadLog().Select(line => line.Loss)];
        double[] recomputed = [.. tiny.Train("recomputed", TinyTraining.Options with { GradientCheckpointing = true }).ReadLog().Select(line => line.Loss)];
        Assert.All(plain.Zip(recomputed), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.False(tiny.Pipeline.UNet.GradientCheckpointing);
    }

    [Fact]
    public void A_bfloat16_base_is_trained_with_a_float32_LoRA()
    {
        using TinyTraining tiny = new(ScalarType.BFloat16);
        TrainingRun run = tiny.Train("run", TinyTraining.Options with { Steps = 2 });
        using LoraFile file = LoraFile.Read(run.LoraPath);
        Assert.All(file.Modules.Values, matrices => Assert.Equal((ScalarType.Float32, ScalarType.Float32), (matrices.Down.dtype, matrices.Up.dtype)));
        Assert.All(run.ReadLog(), line => Assert.True(double.IsFinite(line.Loss)));
    }

    [Fact]
    public void Sample_pictures_change_nothing_in_the_training()
    {
        using TinyTraining tiny = new();
        LoraTrainingOptions options = TinyTraining.Options with { Steps = 2 };
        TrainingRun plain = tiny.Train("plain", options);
        TrainingRun sampled = TrainingRun.Create(tiny.Folder("sampled"), options with { SampleEvery = 1, SamplePrompts = ["一只猫", "一只狗"] });
        LoraTrainingResult result = LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, sampled);

        Assert.Equal(TinyTraining.Curve(plain), TinyTraining.Curve(sampled));
        Assert.Equal(["step-00000001.png", "step-00000002.png"], Directory.GetFiles(sampled.SamplesFolder).Select(Path.GetFileName).Order());
        Assert.Equal(2 * 2 + 1, Directory.GetFiles(sampled.SamplesFolder).Length + 2 + (File.Exists(result.ContactSheet) ? 1 : 0));
    }

    [Fact]
    public void A_diverging_training_stops_with_step_files_and_advice_and_keeps_the_good_checkpoint()
    {
        using var scope = NewDisposeScope();
        using TinyTraining tiny = new();
        TrainingRun good = TrainingRun.Create(tiny.Folder("run"), TinyTraining.Options with { LearningRate = 1e20, Steps = 20 });

        TrainingException error = Assert.Throws<TrainingException>(() => LoraTrainer.Train(tiny.Pipeline, tiny.Dataset, good));

        long failed = good.ReadLog()[^1].Step + 1;
        Assert.Contains($"in step {failed}", error.Message);
        Assert.Contains(".png", error.Message);
        Assert.Contains("smaller learning rate than 1e+20", error.Message);
        foreach (string checkpoint in good.Checkpoints)
        {
            using LoraFile file = LoraFile.Read(Path.Combine(checkpoint, LoraFile.DefaultFileName));
            Assert.All(file.Modules.Values, matrices => Assert.True(matrices.Up.isfinite().all().item<bool>()));
            Assert.Contains(good.LatestCheckpoint!, error.Message);
        }
    }
}
