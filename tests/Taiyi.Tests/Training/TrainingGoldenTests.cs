using System.Text.Json.Nodes;
using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Tests.Lora;
using Taiyi.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Tests.Training;

/// <summary>Training by the reference: losses, gradient norms, first gradients and weights after some steps. Tolerances: tests/Golden/README.md.</summary>
[NoTensorLeak]
public class TrainingGoldenTests
{
    private static readonly string[] Modules =
        ["down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", "mid_block.attentions.0.transformer_blocks.0.attn2.to_out.0"];

    // Both are added to one map before a norm whose groups are one channel wide, which takes them off again: their gradient is
    // rounding noise, of which AdamW makes steps of the learning rate, 3 of 1e-4.
    private static readonly string[] TakenOffByNorm = ["down_blocks.0.resnets.0.conv1.bias", "down_blocks.0.resnets.0.time_emb_proj.bias"];

    public static TheoryData<string> Runs => [.. JsonNode.Parse(File.ReadAllText(Repository.Golden("training.json")))!["runs"]!.AsObject().Select(run => run.Key)];

    [Theory]
    [MemberData(nameof(Runs))]
    public void Lora_training_equals_the_reference(string run)
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraAdapter adapter = golden.Inject(unet, run);
        JsonNode expected = golden.Json["runs"]![run]!, options = expected["options"]!;
        int micro = (int?)options["micro"] ?? 1;
        double clip = (double?)options["clip"] ?? double.PositiveInfinity;
        DiffusionLoss loss = TrainingGolden.Loss(unet, (double?)options["snr_gamma"]);
        using AdamW optimizer = new(TrainingGolden.Named(adapter));

        for (int step = 0; step < expected["grad_norms"]!.AsArray().Count; step++)
        {
            double[] losses = [.. Enumerable.Range(0, micro).Select(i => Backward(golden, loss, step, micro == 1 ? 0..2 : i..(i + 1), micro))];
            if (step == 0)
            {
                AssertFirstGradients(golden, run, adapter);
            }

            double norm = nn.utils.clip_grad_norm_(optimizer.Parameters, clip);
            optimizer.Step(learningRate: 1e-3);
            optimizer.ZeroGrad();

            JsonNode expectedLosses = expected["losses"]![step]!;
            Assert.Equal(micro == 1 ? [(double)expectedLosses] : expectedLosses.AsArray().Select(value => (double)value!), losses, new Within(1e-5));
            Assert.Equal((double)expected["grad_norms"]![step]!, norm, 1e-4);
        }

        AssertFinalWeights(golden, run, adapter);
    }

    [Fact]
    public void Training_every_weight_of_the_UNet_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        foreach (Parameter parameter in unet.parameters())
        {
            parameter.requires_grad = true;
        }

        JsonNode expected = golden.Json["full"]!;
        DiffusionLoss loss = TrainingGolden.Loss(unet);
        using AdamW optimizer = new(unet.named_parameters().Select(p => new KeyValuePair<string, Parameter>(p.name, p.parameter)));
        for (int step = 0; step < expected["losses"]!.AsArray().Count; step++)
        {
            Assert.Equal((double)expected["losses"]![step]!, Backward(golden, loss, step, 0..2, micro: 1), 1e-5);
            if (step == 0)
            {
                Close.Assert(golden.Read("full.first_grad.conv_in.weight"), unet.get_parameter("conv_in.weight")!.grad!, 2e-5);
            }

            Assert.All(TakenOffByNorm, name => Assert.InRange(unet.get_parameter(name)!.grad!.abs().max().item<float>(), 0, 1e-7f));
            Assert.Equal((double)expected["grad_norms"]![step]!, nn.utils.clip_grad_norm_(optimizer.Parameters, double.PositiveInfinity), 1e-4);
            optimizer.Step((double)expected["learning_rate"]!);
            optimizer.ZeroGrad();
        }

        // Single weights whose gradient is near eps move by the learning rate, 1e-4, at most: conv_out has none such.
        Close.Assert(golden.Read("full.final.conv_out.weight"), unet.get_parameter("conv_out.weight")!, 2e-5);
        foreach ((string name, JsonNode? sums) in expected["weights_after"]!.AsObject())
        {
            Tensor weight = unet.get_parameter(name)!.to(float64);
            double tolerance = TakenOffByNorm.Contains(name) ? 3e-4 : 1e-5;
            Assert.Equal((double)sums![0]!, weight.sum().item<double>(), tolerance * weight.numel());
            Assert.Equal((double)sums![1]!, weight.abs().sum().item<double>(), tolerance * weight.numel());
        }
    }

    [Fact]
    public void Signal_to_noise_ratios_and_min_SNR_weights_equal_the_reference()
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        Tensor timesteps = golden.Read("snr.timesteps");
        double[] expected = [.. golden.Read("snr").data<float>().Select(snr => (double)snr)];
        double[] actual = [.. timesteps.data<long>().Select(t => TrainingGolden.Loss(unet).Schedule.Snr((int)t))];
        Assert.All(expected.Zip(actual), pair => Assert.Equal(1, pair.Second / pair.First, 1e-3)); // the reference's ᾱ is a float32 product

        float[] weights = TrainingGolden.Loss(unet, snrGamma: 5).Weights(timesteps).data<float>().ToArray();
        Assert.All(expected.Zip(weights), pair => Assert.Equal(Math.Min(pair.First, 5) / pair.First, pair.Second, 1e-3));
    }

    [Theory]
    [InlineData(PredictionType.Epsilon)]
    [InlineData(PredictionType.VPrediction)]
    [InlineData(PredictionType.Sample)]
    public void Debiased_weights_follow_from_the_reference_s_signal_to_noise_ratios(PredictionType predictionType)
    {
        using var scope = NewDisposeScope();
        using TrainingGolden golden = new();
        using UNet2DConditionModel unet = TinyUNet.Load();
        double[] snr = [.. golden.Read("snr").data<float>().Select(value => Math.Min(value, 1000.0))];

        DiffusionLoss loss = new(unet, new SchedulerConfig { PredictionType = predictionType }, scalingFactor: 1, debiased: true);
        float[] weights = loss.Weights(golden.Read("snr.timesteps")).data<float>().ToArray();

        double Expected(double value) => predictionType switch { PredictionType.VPrediction => 1 / (value + 1), PredictionType.Sample => Math.Sqrt(value), _ => 1 / Math.Sqrt(value) };
        Assert.All(snr.Zip(weights), pair => Assert.Equal(1, pair.Second / Expected(pair.First), 1e-3));
    }

    private static double Backward(TrainingGolden golden, DiffusionLoss loss, int step, Range rows, int micro)
    {
        using var scope = NewDisposeScope();
        (TrainingBatch batch, DiffusionDraws draws) = golden.Batch(step, rows);
        Tensor value = loss.Compute(batch, draws);
        (value / micro).backward();
        return value.item<float>();
    }

    private static void AssertFirstGradients(TrainingGolden golden, string run, LoraAdapter adapter)
    {
        foreach (string module in Modules)
        {
            Close.Assert(golden.Read($"{run}.first_grad.{module}.lora_A.weight"), adapter.Layers[module].A.grad!, 2e-5);
            Close.Assert(golden.Read($"{run}.first_grad.{module}.lora_B.weight"), adapter.Layers[module].B.grad!, 2e-5);
        }
    }

    // Where a gradient is close to AdamW's eps its sign is noise: the mean difference has a limit of its own, and a few
    // values in a thousand may exceed the other one.
    private static void AssertFinalWeights(TrainingGolden golden, string run, LoraAdapter adapter)
    {
        Assert.Equal(2 * adapter.Layers.Count, golden.Names(run + ".final.").Count());
        foreach ((string name, Parameter weight) in TrainingGolden.Named(adapter))
        {
            Tensor difference = (golden.Read($"{run}.final.{name}") - weight.detach()).abs();
            Assert.True(difference.mean().item<float>() < 1e-5, $"{name} differs by {difference.mean().item<float>():g3} on average.");
            Assert.True(difference.gt(2e-5).sum().item<long>() <= Math.Max(2, difference.numel() / 200), $"{name}: {difference.gt(2e-5).sum().item<long>()} of {difference.numel()} values differ.");
        }
    }

    private sealed class Within(double tolerance) : IEqualityComparer<double>
    {
        public bool Equals(double x, double y) => Math.Abs(x - y) <= tolerance;

        public int GetHashCode(double value) => 0;
    }
}
