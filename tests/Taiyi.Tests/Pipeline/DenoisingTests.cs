using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>The denoising loop, which remembers its text and shares its latents, beside a loop that computes everything in every step.</summary>
[NoTensorLeak]
public sealed class DenoisingTests
{
    [Theory]
    [InlineData(1, 1.0)] // without guidance
    [InlineData(1, 7.5)]
    [InlineData(2, 7.5)]
    public void The_loop_gives_what_separate_calls_give(int pictures, double guidanceScale)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
        using PromptEmbeddings prompt = pipeline.EncodePrompt(["一只猫"], withGuidance: guidanceScale > 1, numImagesPerPrompt: pictures);
        using Generator generator = new(3, CPU);
        Tensor latents = randn(pipeline.LatentShape(pictures), generator: generator);

        Tensor expected = SeparateCalls(pipeline, latents, prompt, guidanceScale);
        using SchedulerRun run = pipeline.Scheduler.Begin(3);
        Tensor last = latents;
        foreach (DenoisingStep step in pipeline.Denoise(run, latents, prompt, guidanceScale))
        {
            last = step.Latents.clone();
        }

        Close.Assert(expected, last, 1e-3); // tests/Golden/README.md, latents of a whole run
    }

    [Fact]
    public void A_LoRA_weight_changed_between_two_pictures_gives_the_picture_of_a_pipeline_that_had_it_from_the_start()
    {
        using var scope = NewDisposeScope();
        GenerationOptions options = new() { NumInferenceSteps = 2, Seed = 5 };
        using StableDiffusionPipeline fresh = WithLora(weight: 0.25), changed = WithLora(weight: 1);

        using GenerationResult expected = fresh.Generate("一只猫", options);
        using GenerationResult strong = changed.Generate("一只猫", options);
        changed.LoraAdapters[0].Weight = 0.25;
        using GenerationResult weak = changed.Generate("一只猫", options);

        Close.Assert(expected.Latents, weak.Latents, 0);
        Close.AssertApart(strong.Latents, weak.Latents, 1e-2);
    }

    [Theory]
    [InlineData(0.7)]
    [InlineData(1)]
    public void Guidance_rescale_takes_back_the_deviation_that_guidance_adds(double rescale)
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
        using PromptEmbeddings prompt = pipeline.EncodePrompt(["一只猫", "狗"]);
        using Generator generator = new(3, CPU);
        Tensor sample = randn(pipeline.LatentShape(2), generator: generator);
        Tensor conditional = pipeline.PredictNoise(sample, 500, prompt, 1), guided = pipeline.PredictNoise(sample, 500, prompt, 7.5);

        Tensor rescaled = pipeline.PredictNoise(sample, 500, prompt, 7.5, rescale);

        for (int picture = 0; picture < 2; picture++)
        {
            // arXiv:2305.08891, section 3.4: a multiple of the guided prediction, with a deviation between the two.
            double before = Deviation(guided[picture]), aim = Deviation(conditional[picture]);
            Close.Assert(guided[picture] * (rescale * aim / before + 1 - rescale), rescaled[picture], 1e-5);
            Assert.Equal(rescale * aim + (1 - rescale) * before, Deviation(rescaled[picture]), 1e-5);
        }
    }

    [Fact]
    public void Without_a_guidance_scale_the_models_own_is_used()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.MiniModel, dtype: ScalarType.Float32);
        using PromptEmbeddings prompt = pipeline.EncodePrompt(["一只猫"]);
        using Generator generator = new(3, CPU);
        Tensor latents = randn(pipeline.LatentShape(1), generator: generator);
        double own = pipeline.Defaults.GuidanceScale!.Value;

        Close.Assert(FirstStep(own), FirstStep(null), 0);
        Close.AssertApart(FirstStep(own + 1), FirstStep(null), 1e-3);

        Tensor FirstStep(double? guidanceScale)
        {
            using SchedulerRun run = pipeline.Scheduler.Begin(2);
            return pipeline.Denoise(run, latents, prompt, guidanceScale).Select(step => step.Latents.clone()).First();
        }
    }

    private static double Deviation(Tensor x)
    {
        float[] values = [.. x.contiguous().data<float>()];
        double mean = values.Average(v => (double)v);
        return Math.Sqrt(values.Sum(v => (v - mean) * (v - mean)) / (values.Length - 1));
    }

    // One UNet call a half, each with a copy of the text of its own: nothing is remembered and nothing shared.
    private static Tensor SeparateCalls(StableDiffusionPipeline pipeline, Tensor sample, PromptEmbeddings prompt, double guidanceScale)
    {
        using SchedulerRun run = pipeline.Scheduler.Begin(3);
        foreach (double timestep in run.Timesteps)
        {
            Tensor input = run.ScaleModelInput(sample);
            Tensor noise = Predict(prompt.Conditional);
            if (prompt.Unconditional is { } negative)
            {
                Tensor unconditional = Predict(negative);
                noise = unconditional + guidanceScale * (noise - unconditional);
            }

            sample = run.Step(noise, sample).PrevSample;

            Tensor Predict(Tensor text) => pipeline.UNet.call(input, tensor(timestep, ScalarType.Float32), text.clone());
        }

        return sample;
    }

    private static StableDiffusionPipeline WithLora(double weight)
    {
        StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
        pipeline.LoadLora(Repository.Golden("lora/pytorch_lora_weights.safetensors"), weight);
        return pipeline;
    }
}
