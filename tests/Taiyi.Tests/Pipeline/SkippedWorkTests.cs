using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>Steps and halves of steps that are not computed: what the UNet is asked for is counted at the UNet itself.</summary>
[NoTensorLeak]
public sealed class SkippedWorkTests
{
    [Theory]
    [InlineData("euler", 30)]
    [InlineData("dpmpp_2m_karras", 30)]
    [InlineData("unipc", 30)]
    [InlineData("heun", 15)]       // 29 calls
    [InlineData("pndm", 29)]       // 30 calls
    [InlineData("ddim", 30)]
    [InlineData("euler_a", 30)]
    public void With_the_forecast_fourteen_of_thirty_calls_are_made_by_any_sampler(string sampler, int steps)
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny(sampler);
        GenerationOptions options = new() { NumInferenceSteps = steps, Seed = 3, GuidanceScale = 5, Forecast = new SpectrumOptions() };
        List<bool> forecast = [];

        long[] rows = RowsOf(pipeline, () =>
        {
            using GenerationResult result = pipeline.Generate("一只猫", options, new Each(step => forecast.Add(step.IsForecast)));
            Assert.True(result.Latents.isfinite().all().item<bool>());
        });

        Assert.Equal(sampler == "heun" ? 13 : 14, forecast.Count(left => !left)); // 29 calls: 0 to 3, 5, 7, 10, 13, 17, 21, and from 26 on
        Assert.Equal(Enumerable.Repeat(2L, forecast.Count(left => !left)), rows);
    }

    [Fact]
    public void The_forecast_is_near_the_picture_of_all_calls_where_the_network_changes_slowly()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.MiniModel, dtype: ScalarType.Float32);
        pipeline.Scheduler = Scheduler.Create("dpmpp_2m", pipeline.SchedulerConfig);
        GenerationOptions options = pipeline.DefaultOptions with { NumInferenceSteps = 30, Seed = 3 };

        using GenerationResult all = pipeline.Generate("一只狮子", options), forecast = pipeline.Generate("一只狮子", options with { Forecast = new SpectrumOptions() });
        using GenerationResult other = pipeline.Generate("一只狮子", options with { Seed = 4 });

        double distance = Distance(all, forecast);
        Assert.InRange(distance, 1e-6, 0.25 * Distance(all, other));
    }

    [Fact]
    public void Outside_the_guidance_interval_the_UNet_is_asked_for_the_prompt_alone()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny("euler");
        GenerationOptions options = new() { NumInferenceSteps = 8, Seed = 3, GuidanceScale = 5, NumImagesPerPrompt = 2, GuidanceInterval = (0.28, 5.42) };
        using SchedulerRun run = pipeline.Scheduler.Begin(8);
        long[] expected = [.. run.Sigmas.Take(8).Select(sigma => sigma is > 0.28 and <= 5.42 ? 4L : 2L)];
        Assert.Contains(2, expected);
        Assert.Contains(4, expected);

        long[] rows = RowsOf(pipeline, () => pipeline.Generate("一只猫", options).Dispose());

        Assert.Equal(expected, rows);
    }

    [Fact]
    public void Where_guidance_begins_or_ends_the_forecast_begins_anew()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Tiny("euler");
        using SchedulerRun run = pipeline.Scheduler.Begin(30);
        double middle = (run.Sigmas[13] + run.Sigmas[14]) / 2; // call 14 would be left out, and is the first that is guided
        GenerationOptions options = new() { NumInferenceSteps = 30, Seed = 3, GuidanceScale = 5, Forecast = new SpectrumOptions(), GuidanceInterval = (0, middle) };
        List<bool> forecast = [];

        using GenerationResult result = pipeline.Generate("一只猫", options, new Each(step => forecast.Add(step.IsForecast)));

        Assert.Equal([false, false], forecast[14..16]);
        Assert.Contains(true, forecast[16..]);
    }

    private static double Distance(GenerationResult a, GenerationResult b) => (a.ImageTensor - b.ImageTensor).abs().mean().item<float>();

    private static long[] RowsOf(StableDiffusionPipeline pipeline, Action draw)
    {
        List<long> rows = [];
        var hook = pipeline.UNet.register_forward_hook((_, _, _, _, output) =>
        {
            rows.Add(output.shape[0]);
            return output;
        });
        try
        {
            draw();
        }
        finally
        {
            hook.remove();
        }

        return [.. rows];
    }

    private static StableDiffusionPipeline Tiny(string sampler)
    {
        StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32);
        pipeline.Scheduler = Scheduler.Create(sampler, pipeline.SchedulerConfig);
        return pipeline;
    }

    private sealed class Each(Action<DenoisingStep> report) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep value) => report(value);
    }
}
