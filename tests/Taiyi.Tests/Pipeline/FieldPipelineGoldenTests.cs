using System.Text.Json;
using Taiyi.Files;
using Taiyi.Schedulers;
using Taiyi.Tests.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>Whole pictures with the further samplers, against diffusers (tests/Golden/field_pipeline.json, made by golden_field.py).</summary>
[NoTensorLeak]
public class FieldPipelineGoldenTests
{
    private static readonly JsonElement Runs = JsonDocument.Parse(File.ReadAllText(Repository.Golden("field_pipeline.json"))).RootElement.GetProperty("runs");

    public static TheoryData<string> Names => [.. Runs.EnumerateObject().Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_final_latents_equal_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("field_pipeline.safetensors"));
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
        JsonElement expected = Runs.GetProperty(name);
        double guidanceScale = expected.GetProperty("guidance_scale").GetDouble(), rescale = expected.GetProperty("guidance_rescale").GetDouble();
        using PromptEmbeddings prompt = pipeline.EncodePrompt(
            [expected.GetProperty("prompt").GetString()!], expected.GetProperty("negative_prompt").GetString()!, withGuidance: guidanceScale > 1);
        Tensor? noises = golden.Tensors.ContainsKey($"{name}.noise") ? golden.Read($"{name}.noise") : null;

        using SchedulerRun run = SamplerGolden.Begin(expected.GetProperty("sampler").GetString()!);
        Tensor sample = pipeline.InitialLatents(run, pipeline.LatentShape(1), [], golden.Read($"{name}.latents"));
        for (int i = 0; i < run.Timesteps.Count; i++)
        {
            Tensor noise = pipeline.PredictNoise(run.ScaleModelInput(sample), run.Timesteps[i], prompt, guidanceScale, rescale);
            sample = run.Step(noise, sample, noise: i < noises?.shape[0] ? noises[i] : null).PrevSample;
        }

        Close.Assert(golden.Read($"{name}.final"), sample, 2e-3); // tests/Golden/README.md: values reach 88
    }

    [Fact]
    public void A_model_folder_is_drawn_with_the_sampler_that_its_file_names()
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("field_pipeline.safetensors"));
        using StableDiffusionPipeline pipeline = Tiny();
        JsonElement run = Runs.GetProperty("unipc");
        GenerationOptions options = new()
        {
            NegativePrompt = run.GetProperty("negative_prompt").GetString()!,
            GuidanceScale = run.GetProperty("guidance_scale").GetDouble(),
            NumInferenceSteps = 10,
            Latents = golden.Read("unipc.latents"),
        };
        Assert.IsType<PNDMScheduler>(pipeline.Scheduler);

        using StableDiffusionPipeline own = Tiny("""{"_class_name": "UniPCMultistepScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}""");
        using GenerationResult result = own.Generate(run.GetProperty("prompt").GetString()!, options);
        Close.Assert(golden.Read("unipc.final"), result.Latents, 2e-3);
    }

    [Fact]
    public void Outside_the_guidance_interval_the_prompt_alone_is_followed()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny();
        GenerationOptions options = new() { NumInferenceSteps = 4, Seed = 3, GuidanceScale = 5 };
        pipeline.Scheduler = Scheduler.Create("euler", pipeline.SchedulerConfig);

        using GenerationResult all = pipeline.Generate("一只猫", options), always = pipeline.Generate("一只猫", options with { GuidanceInterval = (0, 100) });
        using GenerationResult never = pipeline.Generate("一只猫", options with { GuidanceInterval = (50, 100) });
        using GenerationResult unguided = pipeline.Generate("一只猫", options with { GuidanceScale = 1 });
        using GenerationResult part = pipeline.Generate("一只猫", options with { GuidanceInterval = (1, 10) });

        Close.Assert(all.Latents, always.Latents, 0);
        Close.Assert(unguided.Latents, never.Latents, 1e-3);
        Close.AssertApart(part.Latents, all.Latents, 0.01);
        Close.AssertApart(part.Latents, unguided.Latents, 0.01);
    }

    // The model of the goldens with another scheduler_config.json.
    private static StableDiffusionPipeline Tiny(string? scheduler = null)
    {
        string source = Repository.Golden("tiny-taiyi");
        if (scheduler is null)
        {
            return StableDiffusionPipeline.FromPretrained(source, dtype: ScalarType.Float32);
        }

        DirectoryInfo folder = Directory.CreateTempSubdirectory();
        try
        {
            foreach (string file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
            {
                string copy = Path.Combine(folder.FullName, Path.GetRelativePath(source, file));
                Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
                File.Copy(file, copy);
            }

            string config = Path.Combine(folder.FullName, "scheduler", "scheduler_config.json");
            File.Delete(config);
            File.WriteAllText(config, scheduler);
            return StableDiffusionPipeline.FromPretrained(folder.FullName, dtype: ScalarType.Float32);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
