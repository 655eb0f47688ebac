using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Tests.Lora;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Tests.Training;

[NoTensorLeak]
public class DiffusionLossTests
{
    [Fact]
    public void Velocity_is_compared_for_a_v_prediction_model_and_weighted_by_its_own_rule()
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        SchedulerConfig config = new() { PredictionType = PredictionType.VPrediction };
        DiffusionLoss loss = new(unet, config, scalingFactor: 1, snrGamma: 5);
        (TrainingBatch batch, DiffusionDraws draws) = golden.Batch(0, 0..2);

        double expected = 0;
        for (int i = 0; i < 2; i++)
        {
            // Progressive Distillation (arXiv 2202.00512): v = α ε - σ x₀ with α² = ᾱ, σ² = 1 - ᾱ; SNR + 1 = 1 / (1 - ᾱ).
            long t = draws.Timesteps[i].item<long>();
            double alphaBar = loss.Schedule.AlphasCumprod[t], alpha = Math.Sqrt(alphaBar), sigma = Math.Sqrt(1 - alphaBar);
            Tensor x0 = batch.Mean[i..(i + 1)], epsilon = draws.Epsilon[i..(i + 1)];
            Tensor output = unet.call(alpha * x0 + sigma * epsilon, draws.Timesteps[i..(i + 1)], batch.Context[i..(i + 1)]);
            double error = (output - (alpha * epsilon - sigma * x0)).square().mean().item<float>();
            expected += error * Math.Min(alphaBar / (1 - alphaBar), 5) * (1 - alphaBar) / 2;
        }

        Assert.Equal(expected, loss.Compute(batch, draws).item<float>(), 1e-5);
    }

    [Fact]
    public void Latents_are_drawn_from_the_posterior_and_scaled()
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        (TrainingBatch batch, DiffusionDraws draws) = golden.Batch(1, 0..2);
        using Generator generator = new(1);
        Tensor deviation = rand(batch.Mean.shape, generator: generator), xi = randn(batch.Mean.shape, generator: generator);

        DiffusionLoss scaled = new(unet, new SchedulerConfig(), scalingFactor: 0.2);
        using Tensor actual = scaled.Compute(batch with { Deviation = deviation }, draws with { Xi = xi });
        using Tensor expected = TrainingGolden.Loss(unet).Compute(batch with { Mean = 0.2 * (batch.Mean + deviation * xi) }, draws);

        Assert.Equal(expected.item<float>(), actual.item<float>(), 1e-6);
    }

    [Fact]
    public void Random_numbers_follow_from_the_generator_and_the_noise_offset_is_one_number_a_channel()
    {
        using var scope = NewDisposeScope();
        DiffusionDraws Draw(double offset)
        {
            using Generator generator = new(8);
            return DiffusionDraws.Draw([64, 4, 8, 8], 1000, generator, offset);
        }

        DiffusionDraws plain = Draw(0), again = Draw(0), offset = Draw(0.5);
        Assert.True(TinyUNet.SameBits(plain.Epsilon, again.Epsilon) && TinyUNet.SameBits(plain.Xi, again.Xi) && TinyUNet.SameBits(plain.Timesteps, again.Timesteps));
        Assert.InRange(plain.Timesteps.min().item<long>(), 0, 99);
        Assert.InRange(plain.Timesteps.max().item<long>(), 900, 999);
        Assert.Equal(0, plain.Epsilon.mean().item<float>(), 0.04); // five standard errors of 16384 numbers
        Assert.Equal(1, plain.Epsilon.std().item<float>(), 0.03);

        Tensor added = (offset.Epsilon - plain.Epsilon).flatten(2); // (B, C, HW)
        Assert.True(added.std(-1).max().item<float>() < 1e-6);
        Assert.Equal(0.5, added.mean([2]).std().item<float>(), 0.1); // 256 numbers
    }
}
