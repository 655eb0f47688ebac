using Taiyi.Lora;
using Taiyi.Schedulers;
using Taiyi.Training;
using Taiyi.Workshop.Distillation;
using Taiyi.Workshop.Pretraining;
using Taiyi.Workshop.Tests.Pretraining;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Tests.Distillation;

/// <summary>Distillation of the model of the goldens: it learns, it goes on bit for bit, and what it leaves is a LoRA like any other.</summary>
[NoTensorLeak]
public sealed class LcmLoraDistillerTests : IDisposable
{
    private readonly TinyPretraining _tiny = new();
    private readonly StableDiffusionPipeline _pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);

    private DistillationOptions Options => new()
    {
        Data = _tiny.Data with { Size = _pipeline.SampleSize * _pipeline.VaeConfig.DownscaleFactor },
        Steps = 4,
        BatchSize = 2,
        WarmupSteps = 1,
        CheckpointEvery = 2,
        SampleEvery = 0,
        DType = "Float32",
        Lora = new DistillationOptions { Data = _tiny.Data }.Lora with { Rank = 4, Alpha = 4 },
    };

    public void Dispose()
    {
        _pipeline.Dispose();
        _tiny.Dispose();
    }

    [Fact]
    public void A_stopped_and_resumed_distillation_is_that_of_one_run_bit_for_bit()
    {
        string whole = Train("whole", Options);

        PretrainingRun<DistillationOptions> run = PretrainingRun.Create(_tiny.Folder("part"), Options);
        using (CancellationTokenSource stop = new())
        using (LcmLoraDistiller distiller = Distiller(run))
        {
            Assert.ThrowsAny<OperationCanceledException>(() => distiller.Train(progress: new After(3, stop.Cancel), cancellationToken: stop.Token));
            Assert.False(File.Exists(distiller.LoraPath));
        }

        using LcmLoraDistiller resumed = Distiller(PretrainingRun.Open<DistillationOptions>(_tiny.Folder("part")));
        Assert.Equal(3, resumed.Step);
        resumed.Train();
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(resumed.LoraPath));
    }

    [Fact]
    public void The_student_learns_and_its_file_works_like_any_LoRA()
    {
        using var scope = NewDisposeScope();
        DistillationOptions options = Options with { Steps = 40, BatchSize = 4, LearningRate = 3e-3, CheckpointEvery = 40, SampleEvery = 40 };
        GenerationOptions drawing = new() { Seed = 3, NumInferenceSteps = 4, GuidanceScale = 1 };
        using GenerationResult before = _pipeline.Generate("一只猫", drawing);

        double untrained = LossOf(LoraAdapter.Inject(_pipeline.UNet, options.Lora, Seeded(0)), options);
        string path = Train("run", options);

        Assert.True(File.Exists(Path.Combine(_tiny.Folder("run"), "samples", "step-00000040.png")));
        using GenerationResult after = _pipeline.Generate("一只猫", drawing);
        Close.Assert(before.Latents, after.Latents, 0); // the adapter is off again

        double trained = LossOf(LoraAdapter.Load(_pipeline.UNet, path), options);
        Assert.True(trained < 0.95 * untrained, $"The loss of the same draws was {untrained:f4} and became {trained:f4}.");
        LoraAdapter adapter = _pipeline.LoadLora(path);
        Assert.Empty(adapter.UnmatchedKeys);
        Assert.Contains("down_blocks.0.resnets.0.conv1", adapter.Layers.Keys);
        _pipeline.Scheduler = Scheduler.Create("lcm", _pipeline.SchedulerConfig);
        using GenerationResult drawn = _pipeline.Generate("一只猫", drawing);
        Close.AssertApart(before.Latents, drawn.Latents, 0.01);
        Assert.True(drawn.Latents.isfinite().all().item<bool>());
    }

    [Fact]
    public void An_option_out_of_range_is_named_with_its_range()
    {
        string FaultOf(DistillationOptions options) => Assert.Throws<ArgumentException>(() => PretrainingRun.Create(_tiny.Folder("none"), options)).Message;

        Assert.Contains("least guidance scale is 0.5; use 1", FaultOf(Options with { LeastGuidanceScale = 0.5 }));
        Assert.Contains("largest guidance scale is 3; use the least, 4, or more", FaultOf(Options with { LeastGuidanceScale = 4 }));
        Assert.Contains("dropout", FaultOf(Options with { Lora = Options.Lora with { Dropout = 0.1 } }));
        Assert.Contains("sample steps is 60; use 1 to the solver's 50", FaultOf(Options with { SampleSteps = 60 }));
    }

    // The loss of single steps depends most on their timesteps: here those of all are drawn again, on all twelve pictures.
    private double LossOf(LoraAdapter adapter, DistillationOptions options)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using LoraAdapter student = adapter;
        using Generator generator = Seeded(7);
        IPictureSource pictures = options.Data.Open();
        Tensor x0 = _pipeline.EncodeImage(PictureBatch.Originals(pictures, [.. Enumerable.Range(0, pictures.Count)]), [.. Enumerable.Range(0, pictures.Count).Select(_ => generator)]);
        using PromptEmbeddings captions = _pipeline.EncodePrompt([.. Enumerable.Range(0, pictures.Count).Select(pictures.Prompt)]);
        ConsistencyLoss loss = new(_pipeline.UNet, student, _pipeline.SchedulerConfig, options.SolverSteps);
        return Enumerable.Range(0, 8).Average(_ =>
        {
            using ConsistencyDraws draws = ConsistencyDraws.Draw(x0.shape, options.SolverSteps, (options.LeastGuidanceScale, options.LargestGuidanceScale), generator);
            return loss.Compute(x0, captions.Conditional, captions.Unconditional!, draws).item<float>();
        });
    }

    private static Generator Seeded(ulong seed) => new(seed);

    private string Train(string name, DistillationOptions options)
    {
        using LcmLoraDistiller distiller = Distiller(PretrainingRun.Create(_tiny.Folder(name), options));
        distiller.Train();
        return distiller.LoraPath;
    }

    private LcmLoraDistiller Distiller(PretrainingRun<DistillationOptions> run) => new(run, run.Options.Data.Open(), _pipeline);

    private sealed class After(long step, Action act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Step == step)
            {
                act();
            }
        }
    }
}
