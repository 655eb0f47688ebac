using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>One LoRA training step of batch 1, beside the step of the reference's training script.</summary>
/// <remarks>
/// The script encodes picture and caption in every step; ours encodes them before the first, which is measured with it, and
/// then reads what it has. The loss, the gradients of the same matrices and AdamW are in both.
/// </remarks>
internal sealed class TrainingBenchmark(BenchmarkModel model, string? peerFolder, ScalarType dtype, int rounds)
{
    private readonly ResultTable _table = new($"One LoRA step, batch 1, {model.Name}, {dtype.ToString().ToLowerInvariant()}");

    /// <param name="checkpointing">Gradient checkpointing on, off, or both where null.</param>
    public void Run(bool? checkpointing)
    {
        using UNet2DConditionModel unet = model.UNet(dtype);
        using Generator generator = new(1, CPU);
        using LoraAdapter adapter = LoraAdapter.Inject(unet, new LoraConfig(), generator);
        using AdamW optimizer = new(adapter.Layers.SelectMany(NamedMatrices));
        DiffusionLoss loss = new(unet, new SchedulerConfig(), model.VaeConfig.ScalingFactor);
        using PeerTrainingStep? peer = peerFolder is null ? null : new PeerTrainingStep(model, peerFolder, dtype);
        long step = 0;
        void Step() => this.Step(adapter, optimizer, loss, generator, step++);

        bool[] settings = checkpointing is { } one ? [one] : [true, false];
        unet.GradientCheckpointing = settings[0];
        MeasureFirst(Step, peer);
        foreach (bool enabled in settings)
        {
            unet.GradientCheckpointing = enabled;
            // A pair that is not counted: TorchScript compiles its graph in the second call.
            _table.Measure(enabled ? "step with gradient checkpointing" : "step without checkpointing", Step, peer is null ? null : peer.Run, rounds, warmups: 1);
        }

        _table.Print();
    }

    private void MeasureFirst(Action step, PeerTrainingStep? peer)
    {
        using AutoencoderKL vae = model.Vae(dtype);
        using BertTextEncoder textEncoder = model.TextEncoder(dtype);
        _table.Measure("first step", EncodeAndStep, peer is null ? null : peer.Run, rounds: 1, warmups: 0);

        void EncodeAndStep()
        {
            using (NewDisposeScope())
            {
                using IDisposable noGrad = no_grad();
                vae.Encode(model.Image(1, dtype)).Dispose();
                textEncoder.call(model.Ids(1));
            }

            step();
        }
    }

    private void Step(LoraAdapter adapter, AdamW optimizer, DiffusionLoss loss, Generator generator, long step)
    {
        using var scope = NewDisposeScope();
        Tensor mean = model.Latents(1, float32);
        TrainingBatch batch = new(mean, ones_like(mean), model.Context(1, dtype));
        DiffusionDraws draws = DiffusionDraws.Draw(mean.shape, 1000, generator);
        optimizer.ZeroGrad();
        adapter.Train(seed: 1, step);
        loss.Compute(batch, draws).backward();
        nn.utils.clip_grad_norm_(optimizer.Parameters, 1);
        optimizer.Step(learningRate: 1e-4);
    }

    private static IEnumerable<KeyValuePair<string, TorchSharp.Modules.Parameter>> NamedMatrices(KeyValuePair<string, LoraLayer> layer) =>
        [new(layer.Key + ".A", layer.Value.A), new(layer.Key + ".B", layer.Value.B)];
}
