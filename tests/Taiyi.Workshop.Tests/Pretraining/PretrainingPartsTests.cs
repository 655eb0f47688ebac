using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Training;
using Taiyi.Workshop.Pretraining;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Tests.Pretraining;

/// <summary>The parts of pretraining alone, against arithmetic by hand.</summary>
public sealed class PretrainingPartsTests : IDisposable
{
    private readonly TinyPretraining _tiny = new();

    public void Dispose() => _tiny.Dispose();

    [Fact]
    [NoTensorLeak]
    public void The_vae_loss_is_the_sum_of_its_terms()
    {
        using var scope = NewDisposeScope();
        // Errors 1 3 / 1 3 in each channel: L1 = 2, MSE = 5, along x every difference is 2, along y 0.
        Tensor picture = zeros(1, 3, 2, 2);
        Tensor reconstruction = tensor(new float[] { 1, 3, 1, 3 }).reshape(1, 1, 2, 2).expand(1, 3, 2, 2);
        // μ = 2 and log σ² = 0 everywhere: KL = ½ (4 + 1 - 1 - 0) = 2.
        using DiagonalGaussianDistribution posterior = new(cat([full([1, 4, 1, 1], 2f), zeros(1, 4, 1, 1)], 1));
        Assert.Equal(2, VaeLoss.KlDivergence(posterior).item<float>(), 1e-6);
        VaeLoss loss = new(new VaeLossWeights(L1: 1, Mse: 10, Gradient: 100, Kl: 1000));
        Assert.Equal(2 + 50 + 200 + 2000, loss.Compute(picture, reconstruction, posterior).item<float>(), 1e-3);
    }

    [Fact]
    [NoTensorLeak]
    public void Signal_to_noise_is_measured_against_the_width_of_the_pixels()
    {
        using var scope = NewDisposeScope();
        // An error of 0.2 everywhere: 10 log10(2² / 0.2²) = 20 dB; one tenth of that error is 20 dB more.
        Tensor errors = cat([full([1, 3, 4, 4], 0.2f), full([1, 3, 4, 4], 0.02f)]);
        Tensor psnr = VaePretrainer.Psnr(zeros(2, 3, 4, 4), errors);
        Assert.Equal(20, psnr[0].item<float>(), 1e-4);
        Assert.Equal(40, psnr[1].item<float>(), 1e-4);
    }

    [Fact]
    [NoTensorLeak]
    public void Float32_masters_take_steps_that_bfloat16_would_lose()
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = new(DiffusionPretrainingOptions.TextEncoderOf(4, 1) with { VocabSize = 3 }, CPU, ScalarType.BFloat16);
        using MasterWeights masters = new(encoder.named_parameters().Select(weight => KeyValuePair.Create("text_encoder." + weight.name, weight.parameter)));
        using IDisposable noGrad = no_grad();
        Tensor computing = encoder.get_parameter("embeddings.word_embeddings.weight")!;
        Tensor weight = masters.Named.Single(named => named.Key == "text_encoder.embeddings.word_embeddings.weight").Value;
        Assert.Equal((ScalarType.BFloat16, ScalarType.Float32), (computing.dtype, weight.dtype));
        weight.fill_(1);
        for (int i = 0; i < 10; i++)
        {
            weight.sub_(0.001f); // bfloat16 has steps of 1/256 below 1: a single one would round back to 1
            masters.Publish();
        }

        Assert.Equal(0.99, weight[0, 0].item<float>(), 1e-5);
        Assert.Equal(1 - (3.0 / 256), computing[0, 0].to(ScalarType.Float32).item<float>(), 1e-6); // the nearest bfloat16 to 0.99: 253/256
    }

    [Fact]
    [NoTensorLeak]
    public void Latents_of_a_block_come_as_often_as_they_are_reused_and_are_those_of_their_pictures()
    {
        _tiny.Vae("vae", "model").Dispose();
        using AutoencoderKL vae = SnapshotWriter.ReadVae(_tiny.Folder("model/vae"));
        IPictureSource pictures = _tiny.Data.Open();
        using LatentStream stream = new(pictures, vae, new TrainingRandom(1), batchSize: 2, reuse: 3);
        Dictionary<long, int> uses = [];
        for (int step = 0; step < 2 * 3 * 16; step++)
        {
            LatentBatch batch = stream.Batch(step);
            Assert.Equal(step / 16 % 3, batch.Wording);
            Assert.All(batch.Numbers, number => uses[number] = uses.GetValueOrDefault(number) + 1);
            batch.Mean.Dispose();
            batch.Deviation.Dispose();
        }

        Assert.Equal(64, uses.Count);
        Assert.All(uses, use => Assert.Equal(3, use.Value));

        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        LatentBatch again = stream.Batch(20); // of the first block: it is encoded anew
        using DiagonalGaussianDistribution posterior = vae.Encode(PictureBatch.Variations(pictures, again.Numbers));
        Close.Assert(posterior.Mean, again.Mean, 1e-5);
        Close.Assert((0.5 * posterior.LogVariance).exp(), again.Deviation, 1e-5);
    }

    [Fact]
    [NoTensorLeak]
    public void Originals_have_the_best_fidelity_and_others_the_worst()
    {
        using var scope = NewDisposeScope();
        IPictureSource pictures = _tiny.Data.Open();
        using TextFidelity fidelity = new(pictures);
        int[] all = [.. Enumerable.Range(0, 12)];
        string[] labels = [.. all.Select(pictures.Label)];
        using Tensor originals = PictureBatch.Originals(pictures, all);
        using Tensor whitened = originals * 0.9 + 0.1;
        using Tensor shifted = originals.roll(1, 0);
        Assert.Equal(new FidelityScore(1, 1), fidelity.Score(originals, labels));
        Assert.Equal(new FidelityScore(1, 1), fidelity.Score(whitened, labels));
        Assert.Equal(0, fidelity.Score(shifted, labels).Top1);
    }

    [Fact]
    public void The_stream_of_a_folder_mirrors_every_other_picture_and_repeats_itself()
    {
        IPictureSource pictures = _tiny.Data.Open();
        float[] first = new float[3 * 16 * 16], second = new float[3 * 16 * 16];
        HashSet<string> seen = [];
        for (int number = 0; number < 100; number++)
        {
            pictures.DrawVariation(number, first);
            _tiny.Data.Open().DrawVariation(number, second);
            Assert.Equal(first, second);
            seen.Add(pictures.Caption(number, 0));
        }

        Assert.Equal(12, seen.Count);
        Assert.Equal(3, pictures.Where(i => i % 4 == 0).Count);
    }
}
