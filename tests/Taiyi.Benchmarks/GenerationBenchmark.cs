using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>A whole generation, two texts to one picture with guidance, beside the same loop around the reference's graphs.</summary>
internal sealed class GenerationBenchmark(BenchmarkModel model, string? peerFolder, ScalarType dtype, int rounds, int steps) : IDisposable
{
    private const double GuidanceScale = 7.5;

    private readonly StableDiffusionPipeline _pipeline = model.Pipeline(dtype);
    private readonly PeerGraph? _textEncoder = dtype == float32 ? PeerGraph.Load(peerFolder, "text_encoder.pt", dtype) : null;
    private readonly PeerGraph? _unet = PeerGraph.Load(peerFolder, "unet.pt", dtype);
    private readonly PeerGraph? _decoder = PeerGraph.Load(peerFolder, "vae_decoder.pt", dtype);
    private readonly Tensor _ids = model.Ids(2);

    public void Run()
    {
        using IDisposable noGrad = no_grad();
        ResultTable table = new($"A picture of {model.ImageSize} x {model.ImageSize}, {steps} steps of PNDM, {model.Name}, {dtype.ToString().ToLowerInvariant()}");
        // One step warms up both sides: TorchScript profiles its graph during the first calls.
        Action? theirs = _unet is null ? null : () => Theirs(steps);
        Ours(1);
        if (theirs is not null)
        {
            Theirs(1);
        }

        table.Measure("one picture, guidance on", () => Ours(steps), theirs, rounds, warmups: 0);
        table.Print();
    }

    private void Ours(int count)
    {
        using var scope = NewDisposeScope();
        Tensor[] states = _pipeline.TextEncoder.call(_ids).chunk(2);
        using PromptEmbeddings prompt = new(states[1], states[0], []);
        using SchedulerRun run = _pipeline.Scheduler.Begin(count);
        Tensor latents = model.Latents(1, float32);
        foreach (DenoisingStep step in _pipeline.Denoise(run, latents, prompt, GuidanceScale))
        {
            if (step.Index == step.Total - 1)
            {
                latents = step.Latents.alias();
            }
        }

        _pipeline.Decode(latents);
    }

    private void Theirs(int count)
    {
        using var scope = NewDisposeScope();
        // In bfloat16 the text encoder's graph cannot be used (see NetworkBenchmark): then it gets its text for nothing.
        Tensor states = _textEncoder?.Call(_ids) ?? model.Context(2, dtype);
        using SchedulerRun run = Scheduler.Create("pndm", new SchedulerConfig()).Begin(count);
        Tensor latents = model.Latents(1, float32);
        foreach (double timestep in run.Timesteps)
        {
            using var step = NewDisposeScope();
            Tensor sample = latents.to(dtype);
            Tensor[] noise = _unet!.Call(cat([sample, sample]), full([2], timestep, float32), states).to(float32).chunk(2);
            Tensor guided = noise[0] + GuidanceScale * (noise[1] - noise[0]);
            latents = run.Step(guided, latents).PrevSample.MoveToOuterDisposeScope();
        }

        _decoder!.Call((latents / model.VaeConfig.ScalingFactor).to(dtype));
    }

    public void Dispose()
    {
        _ids.Dispose();
        _textEncoder?.Dispose();
        _unet?.Dispose();
        _decoder?.Dispose();
        _pipeline.Dispose();
    }
}
