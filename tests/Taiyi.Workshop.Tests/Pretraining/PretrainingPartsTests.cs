using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Training;
using Taiyi.Workshop.Pretraining;
using TorchSharp.Modules;
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
    public void Detail_may_stand_elsewhere_but_not_be_smoothed_away()
    {
        using var scope = NewDisposeScope();
        Tensor stripes = (arange(17, dtype: ScalarType.Float32) % 2).expand(1, 3, 17, 17); // 0 1 0 1 …: along x every difference is 1, along y 0
        using DiagonalGaussianDistribution posterior = new(zeros(1, 8, 1, 1));
        VaeLoss loss = new(new VaeLossWeights(L1: 0, Mse: 0, Gradient: 0, Detail: 10, Kl: 0));
        Assert.Equal(0, loss.Compute(stripes, 1 - stripes, posterior).item<float>(), 1e-5);
        Assert.Equal(10, loss.Compute(stripes, full_like(stripes, 0.5f), posterior).item<float>(), 1e-5);
        Assert.Equal(2.5, loss.Compute(stripes, 0.5 * stripes, posterior).item<float>(), 1e-5);
    }

    [Fact]
    [NoTensorLeak]
    public void Signal_to_noise_is_measured_against_the_width_of_the_pixels()
    {
        using var scope = NewDisposeScope();
        // An error of 0.2 everywhere: 10 log10(2² / 0.2²) = 20 dB; one tenth of that error is 20 dB more.
        Tensor errors = cat([full([1, 3, 4, 4], 0.2f), full([1, 3, 4, 4], 0.02f)]);
        Tensor psnr = PictureQuality.Decibels(zeros(2, 3, 4, 4), errors);
        Assert.Equal(20, psnr[0].item<float>(), 1e-4);
        Assert.Equal(40, psnr[1].item<float>(), 1e-4);
    }

    [Fact]
    [NoTensorLeak]
    public void A_picture_of_half_the_contrast_is_half_as_sharp()
    {
        using var scope = NewDisposeScope();
        Tensor stripes = tensor(new float[] { -0.8f, 0.8f, -0.8f, 0.8f }).expand(1, 3, 4, 4);
        PictureQuality half = PictureQuality.Of(stripes * 0.5, stripes);
        Assert.Equal(0.5, half.Sharpness, 1e-6);
        Assert.Equal(10 * Math.Log10(4 / 0.16), half.Psnr, 1e-4); // 0.4 off everywhere
    }

    [Fact]
    [NoTensorLeak]
    public void A_VAE_of_a_level_more_begins_with_the_outer_levels_of_the_other()
    {
        using AutoencoderKL small = new(VaePretrainingOptions.VaeOf(8, 16), CPU), large = new(VaePretrainingOptions.VaeOf(8, 16, 16) with { LatentChannels = 8 }, CPU);
        using (no_grad())
        {
            foreach (((_, Parameter weight), int i) in small.named_parameters().Select((weight, i) => (weight, i)))
            {
                weight.fill_(i); // another number in every weight
            }
        }

        int copied = WarmStart.Copy(small, large);
        Assert.InRange(copied, 1, large.named_parameters().Count() - 1);
        foreach ((string ours, string theirs) in (ReadOnlySpan<(string, string)>)
        [
            ("encoder.conv_in.weight", "encoder.conv_in.weight"),
            ("encoder.down_blocks.0.resnets.0.conv1.weight", "encoder.down_blocks.0.resnets.0.conv1.weight"),
            ("decoder.up_blocks.2.resnets.0.conv1.weight", "decoder.up_blocks.1.resnets.0.conv1.weight"), // the decoder counts from the latents
            ("decoder.conv_out.weight", "decoder.conv_out.weight"),
        ])
        {
            Close.Assert(small.get_parameter(theirs)!, large.get_parameter(ours)!, 0);
        }
    }

    [Fact]
    public void A_quarter_of_mixed_pictures_comes_from_the_others_and_every_original_from_the_first()
    {
        string others = _tiny.Folder("others");
        Directory.CreateDirectory(others);
        File.Copy(Path.Combine(_tiny.DataFolder, "p00.png"), Path.Combine(others, "a.png"));
        File.WriteAllText(Path.Combine(others, "a.txt"), "别的");
        MixedPictures mixed = new(_tiny.Data.Open(), [(_tiny.Data with { Path = others }).Open()], share: 0.25, seed: 1);
        int other = Enumerable.Range(0, 2000).Count(number => mixed.Caption(number, 0) == "别的");
        Assert.InRange(other, 500 - 80, 500 + 80); // four standard deviations of 2000 draws: sqrt(2000 x 0.25 x 0.75) = 19.4
        Assert.Equal(12, mixed.Count);
        Assert.DoesNotContain("别的", Enumerable.Range(0, 12).Select(mixed.Label));
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
        for (int step = 0; step < 2 * 3 * LatentStream.BlockBatches; step++)
        {
            LatentBatch batch = stream.Batch(step);
            Assert.Equal(step / LatentStream.BlockBatches % 3, batch.Wording);
            Assert.All(batch.Numbers, number => uses[number] = uses.GetValueOrDefault(number) + 1);
            batch.Mean.Dispose();
            batch.Deviation.Dispose();
        }

        Assert.Equal(2 * 2 * LatentStream.BlockBatches, uses.Count);
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
