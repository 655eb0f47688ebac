using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Training;
using Taiyi.Workshop.Pretraining;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Tests.Pretraining;

/// <summary>Training from nothing: it learns, it goes on bit for bit, and what it leaves is a model.</summary>
public sealed class PretrainerTests : IDisposable
{
    private readonly TinyPretraining _tiny = new();

    public void Dispose() => _tiny.Dispose();

    [Fact]
    [NoTensorLeak]
    public void A_vae_learns_to_reconstruct_pictures_that_it_never_saw()
    {
        VaePretrainingOptions options = _tiny.VaeOptions with { Steps = 60, BatchSize = 8, LearningRate = 4e-3, EmaDecay = 0.5 };
        using VaePretrainer trainer = new(PretrainingRun.Create(_tiny.Folder("run"), options), _tiny.Data.Open(), _tiny.Folder("model"));
        double before = Assert.Single(trainer.HeldOutQuality()).Quality.Psnr;
        trainer.Train();
        double after = Assert.Single(trainer.HeldOutQuality()).Quality.Psnr;
        Assert.True(after > before + 5, $"{before:f2} dB became {after:f2} dB");
    }

    [Fact]
    [NoTensorLeak]
    public void Latents_have_mean_zero_and_with_the_scaling_factor_unit_variance()
    {
        _tiny.Vae("run", "model").Dispose();
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = SnapshotWriter.ReadVae(_tiny.Folder("model/vae"));
        Tensor pictures = PictureBatch.Originals(_tiny.Data.Open(), [.. Enumerable.Range(0, 12)]);
        using DiagonalGaussianDistribution posterior = vae.Encode(pictures);
        Tensor latents = posterior.Mean * vae.Config.ScalingFactor;
        Assert.InRange(latents.std().item<float>(), 0.8f, 1.25f);
        Assert.InRange(latents.mean([0, 2, 3]).abs().max().item<float>(), 0, 0.3f); // originals, not the variations that were measured
    }

    [Fact]
    [NoTensorLeak]
    public void A_stopped_and_resumed_vae_is_that_of_one_run_bit_for_bit()
    {
        _tiny.Vae("whole", "whole-model").Dispose();
        Interrupt("part", after: 3);
        using (VaePretrainer resumed = new(PretrainingRun.Open<VaePretrainingOptions>(_tiny.Folder("part")), _tiny.Data.Open(), _tiny.Folder("part-model")))
        {
            Assert.Equal(3, resumed.Step);
            resumed.Train();
        }

        AssertSameCheckpoint("whole", "part");
        AssertSameFile("whole-model/vae/diffusion_pytorch_model.safetensors", "part-model/vae/diffusion_pytorch_model.safetensors");
    }

    [Fact]
    [NoTensorLeak]
    public void A_stopped_and_resumed_diffusion_is_that_of_one_run_bit_for_bit()
    {
        _tiny.Vae("vae", "model").Dispose();
        PretrainingRun<DiffusionPretrainingOptions> whole = PretrainingRun.Create(_tiny.Folder("whole"), _tiny.DiffusionOptions);
        using (DiffusionPretrainer trainer = new(whole, _tiny.Data.Open(), _tiny.Folder("model")))
        {
            trainer.Train();
        }

        PretrainingRun<DiffusionPretrainingOptions> part = PretrainingRun.Create(_tiny.Folder("part"), _tiny.DiffusionOptions);
        using (DiffusionPretrainer trainer = new(part, _tiny.Data.Open(), _tiny.Folder("model")))
        {
            trainer.Train(limit: TimeSpan.Zero, new After(1, () => { }));
            Assert.Equal(0, trainer.Step);
            trainer.TakeStep();
        }

        using CancellationTokenSource stop = new();
        using (DiffusionPretrainer trainer = new(part, _tiny.Data.Open(), _tiny.Folder("model")))
        {
            Assert.Equal(0, trainer.Step); // a step without a checkpoint is taken again
            Assert.ThrowsAny<OperationCanceledException>(() => trainer.Train(progress: new After(3, stop.Cancel), cancellationToken: stop.Token));
        }

        using (DiffusionPretrainer trainer = new(part, _tiny.Data.Open(), _tiny.Folder("model")))
        {
            Assert.Equal(3, trainer.Step);
            trainer.Train();
        }

        AssertSameCheckpoint("whole", "part");
    }

    [Fact]
    [NoTensorLeak]
    public void The_model_folder_loads_as_a_pipeline_with_the_running_mean_of_the_weights()
    {
        _tiny.Vae("vae", "model").Dispose();
        PretrainingRun<DiffusionPretrainingOptions> run = PretrainingRun.Create(_tiny.Folder("run"), _tiny.DiffusionOptions with { SampleEvery = 4 });
        using (DiffusionPretrainer trainer = new(run, _tiny.Data.Open(), _tiny.Folder("model")))
        {
            trainer.Train();
        }

        Assert.True(File.Exists(run.SamplePath(4)));
        Assert.Equal([1, 2, 3, 4], run.ReadLog().Select(line => line.Step));
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(_tiny.Folder("model"), dtype: ScalarType.Float32);
        Assert.Equal(TinyPretraining.Size / 2, pipeline.SampleSize);
        Assert.DoesNotContain("[UNK]", pipeline.Tokenizer.Encode("上面的蓝色方块").Tokens);
        using GenerationResult result = pipeline.Generate("上面的蓝色方块", new GenerationOptions { NumInferenceSteps = 2 });
        Assert.Equal([1, 3, TinyPretraining.Size, TinyPretraining.Size], result.ImageTensor.shape);

        using SafetensorsFile encoder = SafetensorsFile.Open(_tiny.Folder("model/text_encoder/model.safetensors"));
        Assert.Equal([16, 16], encoder.Tensors["pooler.dense.weight"].Shape); // transformers' BertModel warns where it is missing
        Assert.Equal([16], encoder.Tensors["pooler.dense.bias"].Shape);

        using SafetensorsFile mean = SafetensorsFile.Open(Path.Combine(run.LatestCheckpoint!, "ema.safetensors"));
        using Tensor expected = mean.Read("unet.conv_in.weight");
        Close.Assert(expected, pipeline.UNet.get_parameter("conv_in.weight")!, 1e-3); // float16 in the file
    }

    [Fact]
    [NoTensorLeak]
    public void A_training_begins_with_the_weights_and_the_words_of_the_model_that_it_is_given()
    {
        _tiny.Vae("vae", "first").Dispose();
        DiffusionPretrainingOptions options = _tiny.DiffusionOptions with { VaeFolder = _tiny.Folder("first/vae") };
        using (DiffusionPretrainer trainer = new(PretrainingRun.Create(_tiny.Folder("run"), options), _tiny.Data.Open(), _tiny.Folder("first")))
        {
            trainer.Train();
        }

        File.WriteAllText(Path.Combine(_tiny.DataFolder, "p02.txt"), "a word that the model does not have: 鱻");
        options = options with { InitialModel = _tiny.Folder("first"), LearningRate = 1e-12 }; // a step that moves nothing
        using (DiffusionPretrainer trainer = new(PretrainingRun.Create(_tiny.Folder("second-run"), options), _tiny.Data.Open(), _tiny.Folder("second")))
        {
            trainer.Train();
        }

        AssertSameFile("first/tokenizer/vocab.txt", "second/tokenizer/vocab.txt");
        AssertSameWeights("first/unet/diffusion_pytorch_model.safetensors", "second/unet/diffusion_pytorch_model.safetensors");
        AssertSameWeights("first/text_encoder/model.safetensors", "second/text_encoder/model.safetensors");
        AssertSameWeights("first/vae/diffusion_pytorch_model.safetensors", "second/vae/diffusion_pytorch_model.safetensors");
    }

    [Fact]
    [NoTensorLeak]
    public void A_UNet_goes_on_in_the_latents_of_another_VAE()
    {
        _tiny.Vae("vae", "first").Dispose();
        DiffusionPretrainingOptions options = _tiny.DiffusionOptions with { VaeFolder = _tiny.Folder("first/vae") };
        using (DiffusionPretrainer trainer = new(PretrainingRun.Create(_tiny.Folder("run"), options), _tiny.Data.Open(), _tiny.Folder("first")))
        {
            trainer.Train();
        }

        _tiny.Vae("other-vae", "other", _tiny.VaeOptions with { Vae = VaePretrainingOptions.VaeOf(8, 16) with { LatentChannels = 8 } }).Dispose();
        options = options with { InitialModel = _tiny.Folder("first"), VaeFolder = _tiny.Folder("other/vae"), LearningRate = 1e-12 };
        using DiffusionPretrainer next = new(PretrainingRun.Create(_tiny.Folder("second-run"), options), _tiny.Data.Open(), _tiny.Folder("second"));
        next.Train();
        Assert.Equal((8, 8), (next.Pipeline.UNet.Config.InChannels, next.Pipeline.UNet.Config.OutChannels));
        using SafetensorsFile before = SafetensorsFile.Open(_tiny.Folder("first/unet/diffusion_pytorch_model.safetensors")), after = SafetensorsFile.Open(_tiny.Folder("second/unet/diffusion_pytorch_model.safetensors"));
        using Tensor kept = before.Read("mid_block.resnets.0.conv1.weight"), same = after.Read("mid_block.resnets.0.conv1.weight"), input = after.Read("conv_in.weight");
        Close.Assert(kept, same, 1e-7);
        Assert.Equal(8, input.shape[1]);
    }

    [Fact]
    [NoTensorLeak]
    public void A_training_in_bfloat16_writes_the_VAE_as_it_was_read()
    {
        _tiny.Vae("vae", "model").Dispose();
        byte[] before = File.ReadAllBytes(_tiny.Folder("model/vae/diffusion_pytorch_model.safetensors"));
        DiffusionPretrainingOptions options = _tiny.DiffusionOptions with { DType = "BFloat16" };
        using (DiffusionPretrainer trainer = new(PretrainingRun.Create(_tiny.Folder("run"), options), _tiny.Data.Open(), _tiny.Folder("model")))
        {
            trainer.Train();
        }

        Assert.Equal(before, File.ReadAllBytes(_tiny.Folder("model/vae/diffusion_pytorch_model.safetensors")));
    }

    [Fact]
    public void Other_data_or_a_run_that_is_there_are_refused()
    {
        _tiny.Vae("run", "model").Dispose();
        Assert.Contains("--resume", Assert.Throws<IOException>(() => PretrainingRun.Create(_tiny.Folder("run"), _tiny.VaeOptions)).Message);
        File.WriteAllText(Path.Combine(_tiny.DataFolder, "p02.txt"), "别的");
        PretrainingRun<VaePretrainingOptions> run = PretrainingRun.Open<VaePretrainingOptions>(_tiny.Folder("run"));
        Assert.Contains("other pictures", Assert.Throws<TrainingException>(() => new VaePretrainer(run, _tiny.Data.Open(), _tiny.Folder("model"))).Message);
        Assert.Contains("no training", Assert.Throws<TrainingException>(() => PretrainingRun.Open<VaePretrainingOptions>(_tiny.Folder("none"))).Message);
        Assert.Contains("multiple", Assert.Throws<ArgumentException>(() => (_tiny.VaeOptions with { Vae = VaePretrainingOptions.VaeOf(9) }).Validate()).Message);
    }

    [Fact]
    public void A_decoder_trained_alone_leaves_encoder_and_scale_as_they_were()
    {
        _tiny.Vae("both", "first").Dispose();
        var config = AutoencoderKLConfig.FromFile(_tiny.Folder("first/vae/config.json"));
        _tiny.Vae("decoder", "second", _tiny.VaeOptions with { InitialVae = _tiny.Folder("first/vae"), Vae = config, DecoderNoise = 0.5 }).Dispose();

        Assert.Equal(config.ScalingFactor, AutoencoderKLConfig.FromFile(_tiny.Folder("second/vae/config.json")).ScalingFactor);
        using var scope = NewDisposeScope();
        using SafetensorsFile first = SafetensorsFile.Open(_tiny.Folder("first/vae/diffusion_pytorch_model.safetensors")), second = SafetensorsFile.Open(_tiny.Folder("second/vae/diffusion_pytorch_model.safetensors"));
        Assert.All(first.Tensors.Keys.Where(name => name.StartsWith("encoder.") || name.StartsWith("quant_conv.")), name => Close.Assert(first.Read(name), second.Read(name), 0));
        Close.AssertApart(first.Read("decoder.conv_out.weight"), second.Read("decoder.conv_out.weight"), 1e-4);
        Assert.Contains("first VAE", Assert.Throws<ArgumentException>(() => (_tiny.VaeOptions with { DecoderNoise = 0.5 }).Validate()).Message);
    }

    [Fact]
    public void Options_are_the_same_after_reading_them_again()
    {
        string json = PretrainingRun.Create(_tiny.Folder("run"), _tiny.DiffusionOptions).Options.ToJson();
        Assert.Equal(json, PretrainingRun.Open<DiffusionPretrainingOptions>(_tiny.Folder("run")).Options.ToJson());
        Assert.Equal(9, PretrainingRun.Open<DiffusionPretrainingOptions>(_tiny.Folder("run"), steps: 9).Options.Steps);
        Assert.Equal(9, PretrainingRun.Open<DiffusionPretrainingOptions>(_tiny.Folder("run")).Options.Steps);
    }

    private void AssertSameWeights(string expected, string actual)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile first = SafetensorsFile.Open(_tiny.Folder(expected)), second = SafetensorsFile.Open(_tiny.Folder(actual));
        Assert.NotEmpty(first.Tensors);
        Assert.All(first.Tensors.Keys, name => Close.Assert(first.Read(name), second.Read(name), 1e-7));
    }

    private void Interrupt(string name, long after)
    {
        using CancellationTokenSource stop = new();
        using VaePretrainer trainer = new(PretrainingRun.Create(_tiny.Folder(name), _tiny.VaeOptions), _tiny.Data.Open(), _tiny.Folder(name + "-model"));
        Assert.ThrowsAny<OperationCanceledException>(() => trainer.Train(progress: new After(after, stop.Cancel), cancellationToken: stop.Token));
    }

    private void AssertSameCheckpoint(string expected, string actual)
    {
        foreach (string file in (string[])["weights", "optimizer", "ema"])
        {
            AssertSameFile($"{expected}/checkpoints/step-00000004/{file}.safetensors", $"{actual}/checkpoints/step-00000004/{file}.safetensors");
        }
    }

    private void AssertSameFile(string expected, string actual) =>
        Assert.True(File.ReadAllBytes(_tiny.Folder(expected)).AsSpan().SequenceEqual(File.ReadAllBytes(_tiny.Folder(actual))), $"{actual} is not {expected}");

    private sealed class After(long step, Action action) : IProgress<TrainingProgress>
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
