using System.Text.Json.Nodes;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Tests.Lora;
using Taiyi.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Tests.Training;

/// <summary>LCM-LoRA distillation by the reference: tests/Golden/distill.json and .safetensors, tolerances of its README.</summary>
[NoTensorLeak]
public sealed class ConsistencyGoldenTests
{
    private static readonly string[] Modules = ["down_blocks.0.resnets.0.conv1", "mid_block.attentions.0.transformer_blocks.0.attn2.to_q"];
    private static readonly JsonNode Json = JsonNode.Parse(File.ReadAllText(Repository.Golden("distill.json")))!;

    [Fact]
    public void Three_steps_have_the_losses_the_gradients_and_the_target_of_the_reference()
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("distill.safetensors"));
        using UNet2DConditionModel unet = TinyUNet.Load();
        using LoraAdapter adapter = Inject(unet, golden);
        ConsistencyLoss loss = new(unet, adapter, new SchedulerConfig());
        using AdamW optimizer = new(
            adapter.Layers.SelectMany(layer => new KeyValuePair<string, Parameter>[] { new(layer.Key + ".A", layer.Value.A), new(layer.Key + ".B", layer.Value.B) }), weightDecay: 0);
        AssertIntermediates(golden, loss);

        for (int step = 0; step < 3; step++)
        {
            using var inner = NewDisposeScope();
            Tensor latents = golden.Read($"latents{step}");
            ConsistencyDraws draws = new(zeros_like(latents), golden.Read($"noise{step}"), golden.Read($"index{step}"), golden.Read($"w{step}"));
            Tensor value = loss.Compute(latents, golden.Read($"context{step}"), golden.Read("uncond"), draws);
            value.backward();
            Assert.Equal((double)Json["losses"]![step]!, value.item<float>(), 3e-5);
            if (step == 0)
            {
                foreach (string module in Modules)
                {
                    Close.Assert(golden.Read($"first_grad.{module}.lora_A.weight"), adapter.Layers[module].A.grad!, 1e-3);
                    Close.Assert(golden.Read($"first_grad.{module}.lora_B.weight"), adapter.Layers[module].B.grad!, 1e-3);
                }
            }

            Assert.Equal((double)Json["grad_norms"]![step]!, nn.utils.clip_grad_norm_(optimizer.Parameters, double.PositiveInfinity), 1e-3);
            optimizer.Step(learningRate: 1e-3);
            optimizer.ZeroGrad();
        }
    }

    // x_t = α x₀ + σ ε, so a network that says the same of it as ε, v or x₀ has the same x̂₀ and ε̂: DDIM goes to the same sample.
    [Theory]
    [InlineData(PredictionType.VPrediction)]
    [InlineData(PredictionType.Sample)]
    public void A_picture_and_its_noise_are_found_whatever_the_network_predicts(PredictionType type)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(4, CPU);
        NoiseSchedule schedule = new(new SchedulerConfig { PredictionType = type });
        Tensor x0 = randn([3, 4, 2, 2], generator: generator), epsilon = randn([3, 4, 2, 2], generator: generator), t = tensor(new long[] { 19, 499, 999 });
        Tensor xt = schedule.AddNoise(x0, epsilon, t), output = type == PredictionType.Sample ? x0 : schedule.GetVelocity(x0, epsilon, t);

        Close.Assert(x0, schedule.PredictOriginalSample(output, xt, t), 1e-5);
        Close.Assert(epsilon, schedule.NoiseBeside(x0, xt, t), 1e-4);
    }

    [Fact]
    public void The_guidance_of_the_teacher_lies_between_the_two_scales()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(4, CPU);
        using ConsistencyDraws draws = ConsistencyDraws.Draw([2000, 1, 1, 1], 50, (2, 5), generator);

        Assert.InRange(draws.Omega.min().item<float>(), 1f, 1.01f);
        Assert.InRange(draws.Omega.max().item<float>(), 3.99f, 4f);
        Assert.Equal((0, 49), (draws.Places.min().item<long>(), draws.Places.max().item<long>()));
    }

    private static void AssertIntermediates(SafetensorsFile golden, ConsistencyLoss loss)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Tensor start = (golden.Read("index0") + 1) * 20 - 1, end = (start - 20).clamp_min(0), context = golden.Read("context0"), empty = golden.Read("uncond"), w = golden.Read("w0");
        Tensor noisy = loss.Schedule.AddNoise(golden.Read("latents0"), golden.Read("noise0"), start);
        Close.Assert(golden.Read("x_prev"), loss.SolverStep(noisy, start, end, context, empty, w), 1e-3);
        Close.Assert(golden.Read("target"), loss.Target(noisy, start, context, empty, w), 1e-3);
        Close.Assert(golden.Read("prediction"), loss.Consistency(noisy, start, context), 1e-3);
    }

    private static LoraAdapter Inject(UNet2DConditionModel unet, SafetensorsFile golden)
    {
        using Generator unused = new(0);
        LoraAdapter adapter = LoraAdapter.Inject(
            unet,
            new LoraConfig { Rank = (int)Json["rank"]!, Alpha = (double)Json["alpha"]!, Dropout = 0, TargetModules = [.. Json["target_modules"]!.AsArray().Select(name => (string)name!)] },
            unused);
        Assert.Equal(2 * adapter.Layers.Count, golden.Tensors.Keys.Count(name => name.StartsWith("start.", StringComparison.Ordinal)));
        using IDisposable noGrad = no_grad();
        foreach ((string path, LoraLayer layer) in adapter.Layers)
        {
            using Tensor a = golden.Read($"start.{path}.lora_A.weight"), b = golden.Read($"start.{path}.lora_B.weight");
            layer.A.copy_(a);
            layer.B.copy_(b);
        }

        return adapter;
    }
}
