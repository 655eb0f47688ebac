using Taiyi.Batches;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>Networks that are read when they are needed: the same pictures, one network in memory at a time.</summary>
[NoTensorLeak]
public sealed class NetworkLoadingTests
{
    private static readonly string[] Names = ["text encoder", "UNet", "VAE"];

    [Fact]
    public void The_picture_is_the_same_and_one_network_is_in_memory_at_a_time()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline atOnce = Tiny(NetworkLoading.AtOnce), whenNeeded = Tiny(NetworkLoading.WhenNeeded);
        GenerationOptions options = new() { NumInferenceSteps = 2, Seed = 3 };
        Assert.Equal(Names, Loaded(atOnce));
        Assert.Empty(Loaded(whenNeeded));

        using GenerationResult expected = atOnce.Generate("一只猫", options);
        List<string[]> steps = [];
        using GenerationResult actual = whenNeeded.Generate("一只猫", options, new Each(_ => steps.Add(Loaded(whenNeeded))));
        Assert.Equal(["VAE"], Loaded(whenNeeded));
        using GenerationResult again = whenNeeded.Generate("一只猫", options);

        Assert.All(steps, step => Assert.Equal(["UNet"], step));
        Close.Assert(expected.ImageTensor, actual.ImageTensor, 0);
        Close.Assert(expected.ImageTensor, again.ImageTensor, 0);
    }

    [Fact]
    public void Image_to_image_needs_the_VAE_twice()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline atOnce = Tiny(NetworkLoading.AtOnce), whenNeeded = Tiny(NetworkLoading.WhenNeeded);
        int side = atOnce.SampleSize * atOnce.VaeConfig.DownscaleFactor;
        using Generator generator = new(4, CPU);
        GenerationOptions options = new() { NumInferenceSteps = 4, Strength = 0.5, Seed = 3, Image = rand([1, 3, side, side], generator: generator) * 2 - 1 };

        using GenerationResult expected = atOnce.Generate("一只猫", options), actual = whenNeeded.Generate("一只猫", options);

        Close.Assert(expected.ImageTensor, actual.ImageTensor, 0);
    }

    [Fact]
    public void A_network_that_a_program_holds_stays_and_so_does_one_with_a_LoRA_or_a_taught_word()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline held = Tiny(NetworkLoading.WhenNeeded), changed = Tiny(NetworkLoading.WhenNeeded), atOnce = Tiny(NetworkLoading.AtOnce);
        GenerationOptions options = new() { NumInferenceSteps = 2, Seed = 3 };
        UNet2DConditionModel unet = held.UNet;
        held.Generate("一只猫", options).Dispose();
        Assert.Equal(["UNet", "VAE"], Loaded(held));
        Assert.Same(unet, held.UNet);

        foreach (StableDiffusionPipeline pipeline in new[] { changed, atOnce })
        {
            pipeline.LoadLora(Repository.Golden("lora/pytorch_lora_weights.safetensors"));
            pipeline.LoadTextualInversion(Repository.Golden("learned-word/one_vector.bin"));
        }

        using GenerationResult expected = atOnce.Generate("一只<小狮>", options), actual = changed.Generate("一只<小狮>", options);
        Assert.Equal(Names, Loaded(changed));
        Close.Assert(expected.ImageTensor, actual.ImageTensor, 0);
    }

    [Fact]
    public void Previews_between_the_steps_leave_the_UNet_where_it_is()
    {
        using var scope = NewDisposeScope();
        using StableDiffusionPipeline whenNeeded = Tiny(NetworkLoading.WhenNeeded), atOnce = Tiny(NetworkLoading.AtOnce);
        GenerationOptions options = new() { NumInferenceSteps = 2, Seed = 3 };
        List<string[]> steps = [];

        using GenerationResult expected = atOnce.Generate("一只猫", options);
        using GenerationResult actual = whenNeeded.Generate("一只猫", options, new Each(step =>
        {
            whenNeeded.Decode(step.PredOriginalSample).Dispose();
            steps.Add(Loaded(whenNeeded));
        }));

        Assert.All(steps, step => Assert.Equal(["UNet", "VAE"], step));
        Close.Assert(expected.ImageTensor, actual.ImageTensor, 0);
    }

    [Fact]
    public void The_keys_of_a_list_of_prompts_are_the_same_and_another_way_to_draw_has_another_key()
    {
        using StableDiffusionPipeline whenNeeded = Tiny(NetworkLoading.WhenNeeded), atOnce = Tiny(NetworkLoading.AtOnce);
        GenerationOptions options = new() { NumInferenceSteps = 2 };
        PictureKeys keys = new(whenNeeded), others = new(atOnce);
        Assert.Equal(["VAE"], Loaded(whenNeeded));
        string usual = keys.Of("一只猫", options, 3);

        Assert.Equal(others.Of("一只猫", options, 3), usual);
        Assert.NotEqual(usual, keys.Of("一只猫", options with { Forecast = new SpectrumOptions() }, 3));
        Assert.NotEqual(usual, keys.Of("一只猫", options with { Draft = true }, 3));
        whenNeeded.LoadTinyVae(Repository.Golden("tiny-vae"));
        Assert.NotEqual(keys.Of("一只猫", options with { Draft = true }, 3), new PictureKeys(whenNeeded).Of("一只猫", options with { Draft = true }, 3)); // the decoder's weights count
    }

    // Weights of 2 GiB and a picture beside them ask for 3.
    [Theory]
    [InlineData(2.9, true)]
    [InlineData(3.1, false)]
    [InlineData(null, false)] // not known
    public void Memory_is_short_below_one_and_a_half_of_the_weights(double? freeGiB, bool expected) =>
        Assert.Equal(expected, ModelMemory.IsShort(2L << 30, freeGiB is { } free ? (long)(free * (1L << 30)) : null));

    [Fact]
    public void The_weights_are_counted_from_the_tables_of_contents()
    {
        using StableDiffusionPipeline pipeline = Tiny(NetworkLoading.AtOnce);
        long parameters = new nn.Module[] { pipeline.TextEncoder, pipeline.UNet, pipeline.Vae }.Sum(network => network.parameters().Sum(weight => weight.numel()));
        ModelFolder folder = ModelFolder.Open(Repository.Golden("tiny-taiyi"));

        Assert.InRange(ModelMemory.WeightBytes(folder, ScalarType.Float32), 4 * parameters, 4.2 * parameters); // the text encoder's file has a pooler besides
        Assert.InRange(ModelMemory.WeightBytes(folder, ScalarType.BFloat16), 2 * parameters, 2.1 * parameters);
    }

    private static string[] Loaded(StableDiffusionPipeline pipeline) => [.. Names.Where((_, i) => pipeline.Networks[i].IsLoaded)];

    private static StableDiffusionPipeline Tiny(NetworkLoading loading) =>
        StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), dtype: ScalarType.Float32, loading: loading);

    private sealed class Each(Action<DenoisingStep> report) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep value) => report(value);
    }
}
