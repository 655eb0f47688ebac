using Taiyi.Files;

using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>The small model that ships, and what the pipeline promises of seeds, options and cancellation.</summary>
public class MiniModelTests
{
    [Fact]
    [NoTensorLeak]
    public void A_picture_of_a_batch_equals_its_seed_alone()
    {
        using StableDiffusionPipeline pipeline = Load();
        GenerationOptions options = new() { NumInferenceSteps = 4, NumImagesPerPrompt = 3, Seed = 20 };

        using GenerationResult batch = pipeline.Generate("一只狮子", options);
        using GenerationResult alone = pipeline.Generate("一只狮子", options with { NumImagesPerPrompt = 1, Seed = 22 });

        Assert.Equal([20, 21, 22], batch.Seeds);
        using Tensor third = batch.ImageTensor[2..3];
        Close.Assert(alone.ImageTensor, third, 1e-4);
    }

    [Fact]
    [NoTensorLeak]
    public void The_same_seed_draws_the_same_bits_and_another_seed_another_picture()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline pipeline = Load();
        GenerationOptions options = new() { NumInferenceSteps = 3, Seed = 1 };

        using GenerationResult first = pipeline.Generate("熊猫", options);
        using GenerationResult again = pipeline.Generate("熊猫", options);
        using GenerationResult other = pipeline.Generate("熊猫", options with { Seed = 2 });

        Assert.Equal(first.ImageTensor.bytes.ToArray(), again.ImageTensor.bytes.ToArray());
        Assert.NotEqual(first.ImageTensor.bytes.ToArray(), other.ImageTensor.bytes.ToArray());
    }

    [Fact]
    [NoTensorLeak]
    public void Without_guidance_the_unconditional_half_is_not_computed()
    {
        using StableDiffusionPipeline pipeline = Load();
        using PromptEmbeddings with = pipeline.EncodePrompt(["苹果"], withGuidance: true);
        using PromptEmbeddings without = pipeline.EncodePrompt(["苹果"], withGuidance: false);

        Assert.NotNull(with.Unconditional);
        Assert.Null(without.Unconditional);
    }

    [Fact]
    [NoTensorLeak]
    public void Cancelling_ends_the_loop_between_two_steps()
    {
        using StableDiffusionPipeline pipeline = Load();
        using CancellationTokenSource source = new();
        int steps = 0;
        CancelAt progress = new(() =>
        {
            if (++steps == 2)
            {
                source.Cancel();
            }
        });

        Assert.Throws<OperationCanceledException>(() => pipeline.Generate("苹果", new GenerationOptions { NumInferenceSteps = 9 }, progress, source.Token));
        Assert.Equal(2, steps);
    }

    [Fact]
    [NoTensorLeak]
    public void An_open_interruption_scope_cancels_a_call_that_has_no_token()
    {
        using StableDiffusionPipeline pipeline = Load();
        using IDisposable scope = Interruption.Use(new CancellationToken(canceled: true));

        Assert.Throws<OperationCanceledException>(() => pipeline.Generate("苹果"));
    }

    [Theory]
    [InlineData(0, 7.5, 64, "number of steps is 0")]
    [InlineData(1001, 7.5, 64, "must be 1 to 1000")]
    [InlineData(5, double.NaN, 64, "guidance scale is NaN")]
    [InlineData(5, 7.5, 63, "height is 63")]
    [NoTensorLeak]
    public void An_option_out_of_range_is_named_with_its_value(int steps, double guidanceScale, int height, string message)
    {
        using StableDiffusionPipeline pipeline = Load();
        GenerationOptions options = new() { NumInferenceSteps = steps, GuidanceScale = guidanceScale, Height = height };

        ArgumentException error = Assert.Throws<ArgumentException>(() => pipeline.Generate("苹果", options));

        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [NoTensorLeak]
    public void Latents_of_another_shape_are_refused_with_both_shapes()
    {
        using StableDiffusionPipeline pipeline = Load();
        using Tensor latents = zeros(1, 8, 8, 8);

        ArgumentException error = Assert.Throws<ArgumentException>(() => pipeline.Generate("苹果", new GenerationOptions { Latents = latents }));

        Assert.Contains("(1, 8, 8, 8)", error.Message, StringComparison.Ordinal);
        Assert.Contains("(1, 8, 16, 16)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [NoTensorLeak]
    public void A_prompt_that_is_too_long_tells_what_was_cut_off()
    {
        using StableDiffusionPipeline pipeline = Load();
        string prompt = string.Concat(Enumerable.Repeat("狮子", 20));

        using GenerationResult result = pipeline.Generate(prompt, new GenerationOptions { NumInferenceSteps = 1 });

        // 32 tokens less [CLS] and [SEP] leave 30 of the 40 characters.
        Assert.Equal(string.Concat(Enumerable.Repeat("狮子", 5)), result.TruncatedText[0]);
    }

    [Fact]
    [NoTensorLeak]
    public void Weights_of_another_dtype_are_refused_with_those_that_fit()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => StableDiffusionPipeline.FromPretrained(Repository.MiniModel, CPU, ScalarType.Float64));

        Assert.Contains("float32, bfloat16 or float16", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [NoTensorLeak]
    public void What_the_model_does_not_see_of_either_prompt_is_told()
    {
        using StableDiffusionPipeline pipeline = Load();
        GenerationOptions options = new() { NumInferenceSteps = 1, GuidanceScale = 3, NegativePrompt = string.Concat(Enumerable.Repeat("水印", 16)) };

        using GenerationResult guided = pipeline.Generate("一隻獅子", options);
        using GenerationResult unguided = pipeline.Generate("一只狮子", options with { GuidanceScale = 1 });

        Assert.Equal(2, guided.Warnings.Count);
        Assert.EndsWith("[UNK]: 隻, 獅", guided.Warnings[0]);
        Assert.Equal("The negative prompt is longer than the text encoder reads; this was cut off: 水印", guided.Warnings[1]); // 30 of 32 characters fit
        Assert.Contains("negative prompt is not used", Assert.Single(unguided.Warnings));
    }

    // torch takes 64 bits: 2^64 - 1 and -1 are one seed, and the picture after it has the seed 0.
    [Fact]
    [NoTensorLeak]
    public void The_largest_seed_is_drawn_and_the_next_picture_has_the_seed_0()
    {
        using StableDiffusionPipeline pipeline = Load();
        GenerationOptions options = new() { NumInferenceSteps = 1, NumImagesPerPrompt = 2, Seed = unchecked((long)ulong.MaxValue) };

        using GenerationResult result = pipeline.Generate("一只狮子", options);
        using GenerationResult zero = pipeline.Generate("一只狮子", options with { NumImagesPerPrompt = 1, Seed = 0 });

        Assert.Equal([ulong.MaxValue, 0], result.Seeds.Select(seed => (ulong)seed));
        using Tensor first = result.ImageTensor[..1], second = result.ImageTensor[1..];
        Close.Assert(zero.ImageTensor, second, 1e-4);
        Close.AssertApart(first, second, 0.01);
    }

    private static StableDiffusionPipeline Load() => StableDiffusionPipeline.FromPretrained(Repository.MiniModel, dtype: ScalarType.Float32);

    private sealed class CancelAt(Action onStep) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep value) => onStep();
    }
}
