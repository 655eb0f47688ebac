using System.Text.Json;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Tests.Lora;
using Taiyi.Tests.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>Inpainting with the four-channel UNet, against diffusers (tests/Golden/inpaint.json, made by golden_field.py).</summary>
[NoTensorLeak]
public class InpaintingTests
{
    private static readonly JsonElement Runs = JsonDocument.Parse(File.ReadAllText(Repository.Golden("inpaint.json"))).RootElement.GetProperty("runs");

    public static TheoryData<string> Names => [.. Runs.EnumerateObject().Select(run => run.Name)];

    public static TheoryData<string> Samplers => [.. Scheduler.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_final_latents_equal_the_reference(string name)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("inpaint.safetensors"));
        using StableDiffusionPipeline pipeline = Tiny();
        JsonElement expected = Runs.GetProperty(name);
        double strength = expected.GetProperty("strength").GetDouble();

        // The reference drew the posterior's noise itself, so the stages are called one by one with that noise.
        using DiagonalGaussianDistribution posterior = pipeline.Vae.Encode(golden.Read($"{name}.image"));
        Tensor encoded = posterior.Sample(golden.Read($"{name}.encode_noise")) * pipeline.Vae.Config.ScalingFactor, noise = golden.Read($"{name}.noise");
        Tensor mask = Inpainting.ToLatentMask(golden.Read($"{name}.mask"), encoded);
        Close.Assert(golden.Read($"{name}.latent_mask"), mask, 0);

        using SchedulerRun run = SamplerGolden.Create(expected.GetProperty("sampler").GetString()!).Begin(expected.GetProperty("steps").GetInt32(), strength);
        Tensor latents = strength == 1 ? pipeline.InitialLatents(run, noise.shape, [], noise) : pipeline.NoisedLatents(run, encoded, noise);
        using PromptEmbeddings prompt = pipeline.EncodePrompt(["一只狮子，卡通风格，暖色调，科技感"]);
        Tensor final = latents;
        foreach (DenoisingStep step in pipeline.Denoise(run, latents, prompt, 5, inpainting: new Inpainting(encoded, noise, mask)))
        {
            final = step.Index == step.Total - 1 ? step.Latents.clone() : final;
        }

        Close.Assert(golden.Read($"{name}.final"), final, 2e-3); // tests/Golden/README.md: values reach 88
    }

    [Theory]
    [MemberData(nameof(Samplers))]
    public void After_every_step_of_every_sampler_the_known_part_is_at_the_level_of_the_next(string sampler)
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny();
        pipeline.Scheduler = Scheduler.Create(sampler, pipeline.SchedulerConfig);
        Tensor known = randn([1, 4, 8, 8], generator: Seeded(1)), noise = randn([1, 4, 8, 8], generator: Seeded(2));
        Tensor mask = cat([zeros(1, 1, 8, 4), ones(1, 1, 8, 4)], 3);
        using SchedulerRun run = pipeline.Scheduler.Begin(6, 0.7);
        using Tensor latents = pipeline.NoisedLatents(run, known, noise);
        using PromptEmbeddings prompt = pipeline.EncodePrompt(["一只猫"], withGuidance: false);

        foreach (DenoisingStep step in pipeline.Denoise(run, latents, prompt, 1, [Seeded(3)], inpainting: new Inpainting(known, noise, mask)))
        {
            double next = step.Index + 1 < step.Total ? run.Sigmas[^(step.Total - step.Index)] : 0; // sigma / alpha
            Tensor kept = step.Latents[.., .., .., ..4];
            // Samples are x0 + sigma e, or the same over sqrt(1 + sigma^2): both have this ratio of signal and noise.
            Tensor exploding = known + next * noise, preserving = exploding / Math.Sqrt(1 + next * next);
            double distance = Math.Min(Distance(kept, exploding), Distance(kept, preserving));
            Assert.True(distance < 1e-4 * (1 + next), $"{sampler}, call {step.Index}: {distance}");
            Assert.True(step.Latents.isfinite().all().item<bool>());
        }

        double Distance(Tensor kept, Tensor whole) => (kept - whole[.., .., .., ..4]).abs().max().item<float>();
    }

    [Fact]
    public void A_black_mask_keeps_the_latents_and_a_white_one_at_full_strength_draws_from_noise()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny();
        int side = pipeline.SampleSize * pipeline.Vae.Config.DownscaleFactor;
        Tensor image = (randn([1, 3, side, side], generator: Seeded(4)) * 0.5).clamp(-1, 1), noise = randn(pipeline.LatentShape(1), generator: Seeded(5));
        GenerationOptions options = new() { NumInferenceSteps = 4, Seed = 11, Image = image, Strength = 1, Latents = noise };
        using Generator seed = Seeded(11);
        using Tensor encoded = pipeline.EncodeImage(image, [seed]);

        using GenerationResult black = pipeline.Generate("一只猫", options with { Mask = zeros(1, 1, side, side), Strength = 0.5 });
        using GenerationResult white = pipeline.Generate("一只猫", options with { Mask = ones(1, 1, side, side) });
        using GenerationResult drawn = pipeline.Generate("一只猫", options with { Image = null });

        Assert.True(TinyUNet.SameBits(encoded, black.Latents));
        Close.Assert(drawn.Latents, white.Latents, 1e-5);
    }

    [Fact]
    public void Half_white_counts_as_white_and_each_latent_takes_the_nearest_pixel()
    {
        using var scope = NewDisposeScope();
        Tensor mask = tensor(new[] { 0.49f, 1f, 0.5f, 0f }).reshape(1, 1, 1, 4), latents = zeros(1, 4, 1, 2);

        // Nearest neighbour from 4 to 2: pixels 0 and 2.
        Close.Assert(tensor(new[] { 0f, 1f }).reshape(1, 1, 1, 2), Inpainting.ToLatentMask(mask, latents), 0);
    }

    [Theory]
    [InlineData(new long[] { 1, 3, 64, 64 }, true, "shape (1, 3, 64, 64)")]
    [InlineData(new long[] { 1, 1, 8, 8 }, true, "shape (1, 1, 8, 8)")]
    [InlineData(new long[] { 64, 64 }, true, "shape (64, 64)")]
    [InlineData(new long[] { 2, 1, 64, 64 }, true, "shape (2, 1, 64, 64)")]
    [InlineData(new long[] { 1, 1, 64, 64 }, false, "no picture")]
    public void A_mask_that_does_not_lie_over_the_picture_is_refused(long[] shape, bool withImage, string expected)
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny();
        GenerationOptions options = new() { Image = withImage ? zeros(1, 3, 64, 64) : null, Mask = zeros(shape) };

        Assert.Contains(expected, Assert.Throws<ArgumentException>(() => pipeline.Generate("一只猫", options)).Message);
    }

    [Fact]
    public void A_mask_of_whole_numbers_is_refused()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny();
        GenerationOptions options = new() { Image = zeros(1, 3, 64, 64), Mask = zeros([1, 1, 64, 64], ScalarType.Byte) };

        Assert.Contains("floating dtype", Assert.Throws<ArgumentException>(() => pipeline.Generate("一只猫", options)).Message);
    }

    private static Generator Seeded(ulong seed) => new(seed);

    private static StableDiffusionPipeline Tiny() => StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
}
