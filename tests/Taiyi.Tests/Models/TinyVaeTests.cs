using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>The tiny VAE of tests/Golden/tiny-vae, in diffusers' names and in TAESD's own two files; tolerance of the VAE in its README.</summary>
[NoTensorLeak]
public sealed class TinyVaeTests
{
    private const double Tolerance = 2e-5;

    [Theory]
    [InlineData("tiny-vae")]
    [InlineData("tiny-vae/diffusion_pytorch_model.safetensors")]
    [InlineData("tiny-vae/taesd_decoder.safetensors")]
    public void The_decoded_picture_equals_the_reference(string path)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("tiny_vae.safetensors"));
        using TinyDecoder decoder = TinyVae.LoadDecoder(Repository.Golden(path));

        Assert.Equal([2, 1], decoder.Config.Blocks);
        Assert.Equal((16, 4, 2), (decoder.Config.Channels, decoder.Config.LatentChannels, decoder.Config.DownscaleFactor));
        Close.Assert(golden.Read("decoded"), decoder.call(golden.Read("latents")), Tolerance);
    }

    [Theory]
    [InlineData("tiny-vae")]
    [InlineData("tiny-vae/taesd_encoder.safetensors")]
    public void The_latents_of_a_picture_equal_the_reference(string path)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using SafetensorsFile golden = SafetensorsFile.Open(Repository.Golden("tiny_vae.safetensors"));
        using TinyEncoder encoder = TinyVae.LoadEncoder(Repository.Golden(path));

        Assert.Equal([1, 2], encoder.Config.Blocks);
        Close.Assert(golden.Read("encoded"), encoder.call(golden.Read("image")), Tolerance);
    }

    // The sizes of the public weights: 64 channels, blocks 3 3 3 1, as diffusers' AutoencoderTiny has them by default; 8 latent channels are as good.
    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    public void The_layers_of_the_public_weights_are_numbered_as_theirs(int latentChannels)
    {
        using TinyDecoder decoder = new(new TinyVaeConfig([3, 3, 3, 1], 64, latentChannels), META);
        string[] names = [.. decoder.state_dict().Keys];

        Assert.Equal(0 + 2 + 10 * 6 + 3 + 2, names.Length); // convolution in, ten blocks, three without bias, convolution out
        foreach (string name in new[] { "layers.0.weight", "layers.2.conv.0.weight", "layers.6.weight", "layers.11.weight", "layers.16.weight", "layers.17.conv.4.bias", "layers.18.bias" })
        {
            Assert.Contains(name, names);
        }

        Assert.DoesNotContain("layers.6.bias", names);
        Assert.Equal(8, decoder.Config.DownscaleFactor);
    }

    [Fact]
    public void Another_file_is_refused_with_what_to_give()
    {
        string FaultOf(string path) => Assert.Throws<CheckpointException>(() => TinyVae.LoadDecoder(Repository.Golden(path))).Message;

        Assert.Contains("is the encoder of a tiny VAE: give its decoder, taesd_decoder.safetensors", FaultOf("tiny-vae/taesd_encoder.safetensors"));
        Assert.Contains("is no tiny VAE", FaultOf("vae.safetensors"));
        Assert.Contains("There is no tiny VAE in", FaultOf("lora"));
    }

    [Fact]
    public void A_draft_is_what_the_tiny_decoder_makes_of_the_latents_in_a_picture_between_the_steps_and_at_the_end()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(GoldenModel.TinyTaiyi, dtype: ScalarType.Float32);
        GenerationOptions options = new() { NumInferenceSteps = 2, Seed = 3, Draft = true };
        Assert.Contains("there is no tiny VAE", Assert.Throws<ArgumentException>(() => pipeline.Generate("一只猫", options)).Message);

        pipeline.LoadTinyVae(Repository.Golden("tiny-vae"));
        List<Tensor> previews = [];
        using GenerationResult draft = pipeline.Generate("一只猫", options, new Each(step => previews.Add(pipeline.DecodeDraft(step.PredOriginalSample).DetachFromDisposeScope())));
        using GenerationResult whole = pipeline.Generate("一只猫", options with { Draft = false });

        using TinyDecoder decoder = TinyVae.LoadDecoder(Repository.Golden("tiny-vae"));
        Close.Assert(whole.Latents, draft.Latents, 0);
        Close.Assert(decoder.call(draft.Latents).clamp(-1, 1), draft.ImageTensor, 0);
        Close.AssertApart(whole.ImageTensor, draft.ImageTensor, 0.01);
        Assert.All(previews, preview => Assert.Equal(draft.ImageTensor.shape, preview.shape));
        Assert.Equal(3, previews.Count); // PNDM's two steps
        previews.ForEach(preview => preview.Dispose());
    }

    [Fact]
    public void A_tiny_VAE_of_another_latent_space_is_refused()
    {
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(Repository.MiniModel, dtype: ScalarType.Float32);
        string fault = Assert.Throws<CheckpointException>(() => pipeline.LoadTinyVae(Repository.Golden("tiny-vae"))).Message;
        Assert.Contains($"latents have 4 channels and its factor is 2, this model's {pipeline.VaeConfig.LatentChannels} and {pipeline.VaeConfig.DownscaleFactor}", fault);
    }

    private sealed class Each(Action<DenoisingStep> report) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep value) => report(value);
    }
}
