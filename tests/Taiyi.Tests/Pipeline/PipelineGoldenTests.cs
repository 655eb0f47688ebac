using System.Text.Json;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>Prompt to picture with given latents, against diffusers (tests/Golden/pipeline.json, made by golden_pipeline.py).</summary>
public class PipelineGoldenTests
{
    private static readonly JsonElement Runs = JsonDocument.Parse(File.ReadAllText(Repository.Golden("pipeline.json"))).RootElement.GetProperty("runs");

    public static TheoryData<string> TextToImageRuns => [.. Runs.EnumerateObject().Where(r => !r.Value.TryGetProperty("strength", out _)).Select(r => r.Name)];

    public static TheoryData<string> ImageToImageRuns => [.. Runs.EnumerateObject().Where(r => r.Value.TryGetProperty("strength", out _)).Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(TextToImageRuns))]
    [NoTensorLeak]
    public void Text_to_image_equals_the_reference(string run)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("pipeline.safetensors"));
        using StableDiffusionPipeline pipeline = TinyTaiyi(run);
        GenerationOptions options = Options(run) with { Latents = golden.Read($"{run}.latents") };
        Recorder steps = new();

        using GenerationResult result = pipeline.Generate(Prompt(run), options, steps);

        Assert.Equal(Runs.GetProperty(run).GetProperty("timesteps").EnumerateArray().Select(t => t.GetDouble()), steps.Timesteps);
        AssertSteps(golden, run, steps);
        Close.Assert(golden.Read($"{run}.final"), result.Latents, LatentTolerance(run));
        if (golden.Tensors.ContainsKey($"{run}.decoded"))
        {
            Close.Assert(golden.Read($"{run}.decoded").clamp(-1, 1), result.ImageTensor, LatentTolerance(run));
        }
    }

    [Theory]
    [MemberData(nameof(ImageToImageRuns))]
    [NoTensorLeak]
    public void Image_to_image_equals_the_reference(string run)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("pipeline.safetensors"));
        using StableDiffusionPipeline pipeline = TinyTaiyi(run);
        GenerationOptions options = Options(run);

        // The reference drew the posterior's noise itself, so the stages are called one by one with that noise.
        using DiagonalGaussianDistribution posterior = pipeline.Vae.Encode(golden.Read($"{run}.image_input"));
        Tensor encoded = posterior.Sample(golden.Read($"{run}.encode_noise")) * pipeline.Vae.Config.ScalingFactor;
        using SchedulerRun cut = pipeline.Scheduler.Begin(options.NumInferenceSteps, options.Strength);
        Tensor latents = pipeline.NoisedLatents(cut, encoded, golden.Read($"{run}.noise"));
        using PromptEmbeddings embeddings = pipeline.EncodePrompt([Prompt(run)], options.NegativePrompt);
        Recorder steps = new();
        foreach (DenoisingStep step in pipeline.Denoise(cut, latents, embeddings, options.GuidanceScale))
        {
            steps.Report(step);
        }

        Assert.Equal(Runs.GetProperty(run).GetProperty("timesteps").EnumerateArray().Select(t => t.GetDouble()), steps.Timesteps);
        Close.Assert(golden.Read($"{run}.final"), steps.Latents[^1], LatentTolerance(run));
        steps.Dispose();
    }

    private static void AssertSteps(SafetensorsFile golden, string run, Recorder steps)
    {
        if (golden.Tensors.ContainsKey($"{run}.steps"))
        {
            Close.Assert(golden.Read($"{run}.steps"), stack(steps.Latents), LatentTolerance(run));
        }

        steps.Dispose();
    }

    private static StableDiffusionPipeline TinyTaiyi(string run)
    {
        StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
        pipeline.Scheduler = Scheduler.Create(Runs.GetProperty(run).GetProperty("scheduler").GetString()!, pipeline.SchedulerConfig);
        return pipeline;
    }

    private static string Prompt(string run) => Runs.GetProperty(run).GetProperty("prompt").GetString()!;

    private static GenerationOptions Options(string run)
    {
        JsonElement golden = Runs.GetProperty(run);
        return new GenerationOptions
        {
            NegativePrompt = golden.GetProperty("negative_prompt").GetString()!,
            GuidanceScale = golden.GetProperty("guidance_scale").GetDouble(),
            NumInferenceSteps = golden.GetProperty("steps").GetInt32(),
            NumImagesPerPrompt = golden.GetProperty("images_per_prompt").GetInt32(),
            Strength = golden.TryGetProperty("strength", out JsonElement strength) ? strength.GetDouble() : 0.8,
        };
    }

    // tests/Golden/README.md, "Float32 noise and tolerances": values reach 34 with PNDM, 72 with Euler and DPM++.
    private static double LatentTolerance(string run) => run.StartsWith("euler", StringComparison.Ordinal) || run.StartsWith("dpmpp", StringComparison.Ordinal) ? 2e-3 : 1e-3;

    private sealed class Recorder : IProgress<DenoisingStep>, IDisposable
    {
        public List<double> Timesteps { get; } = [];

        public List<Tensor> Latents { get; } = [];

        public void Report(DenoisingStep step)
        {
            Timesteps.Add(step.Timestep);
            Latents.Add(step.Latents.clone().DetachFromDisposeScope());
        }

        public void Dispose() => Latents.ForEach(l => l.Dispose());
    }
}
