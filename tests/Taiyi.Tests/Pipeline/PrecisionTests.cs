using Taiyi.Cpu;
using Taiyi.Models;
using Taiyi.Tests.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Pipeline;

/// <summary>Weights of 16 bits, and what is computed with them.</summary>
[NoTensorLeak]
public sealed class PrecisionTests
{
    [Fact]
    public void A_processor_without_units_for_a_dtype_computes_in_float32()
    {
        ScalarType bfloat16OnCpu = NativeBFloat16.IsSupported ? ScalarType.BFloat16 : ScalarType.Float32;

        Assert.Equal(ScalarType.Float32, Precision.ComputeDType(ScalarType.Float32, CPU));
        Assert.Equal(ScalarType.Float32, Precision.ComputeDType(ScalarType.Float16, CPU));
        Assert.Equal(bfloat16OnCpu, Precision.ComputeDType(ScalarType.BFloat16, CPU));
        Assert.Equal(ScalarType.Float16, Precision.ComputeDType(ScalarType.Float16, META)); // as every device but the CPU
        Assert.Equal(ScalarType.BFloat16, Precision.ComputeDType(ScalarType.BFloat16, META));
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void The_UNet_answers_as_in_float32_with_the_same_numbers(ScalarType weights)
    {
        Assert.SkipWhen(Precision.ComputeDType(weights, CPU) == weights, "This processor computes in that dtype.");
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using UNet2DConditionModel exact = Rounded(GoldenModel.UNet(GoldenModel.TinyTaiyi), weights), unet = GoldenModel.UNet(GoldenModel.TinyTaiyi, weights);
        Tensor sample = Seeded.Randn(1, 1, 4, 16, 16), context = Seeded.Randn(2, 2, 7, 32);

        Tensor output = unet.call(sample, tensor(500), context);

        Assert.Equal(ScalarType.Float32, output.dtype);
        Close.Assert(exact.call(sample, tensor(500), context), output, 1e-6);
        using ContextCache remembered = new(unet, context);
        Close.Assert(output, unet.call(sample, tensor(500), context), 1e-6);
        Close.Assert(output, unet.call(sample, tensor(500), context), 1e-6);
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void VAE_and_text_encoder_answer_as_in_float32_with_the_same_numbers(ScalarType weights)
    {
        Assert.SkipWhen(Precision.ComputeDType(weights, CPU) == weights, "This processor computes in that dtype.");
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL exactVae = Rounded(GoldenModel.Vae(GoldenModel.TinyTaiyi), weights), vae = GoldenModel.Vae(GoldenModel.TinyTaiyi, weights);
        using BertTextEncoder exactText = Rounded(GoldenModel.TextEncoder(GoldenModel.TinyTaiyi), weights), text = GoldenModel.TextEncoder(GoldenModel.TinyTaiyi, weights);
        Tensor image = Seeded.Rand(1, 1, 3, 32, 32), latents = Seeded.Randn(2, 1, 4, 8, 8), ids = tensor(new long[,] { { 2, 5, 7, 3 } });
        using DiagonalGaussianDistribution expected = exactVae.Encode(image), posterior = vae.Encode(image);

        Close.Assert(expected.Mean, posterior.Mean, 1e-6);
        Close.Assert(exactVae.Decode(latents), vae.Decode(latents), 1e-6);
        Close.Assert(exactText.call(ids), text.call(ids), 1e-6);
        Assert.Equal(ScalarType.BFloat16, vae.Decode(latents.bfloat16()).dtype); // that of the input
    }

    [Fact]
    public void A_model_of_float16_draws_on_a_CPU_what_float32_draws()
    {
        GenerationOptions options = new() { NumInferenceSteps = 3, Seed = 1 };
        using var half = StableDiffusionPipeline.FromPretrained(Repository.MiniModel, CPU, ScalarType.Float16);
        using var full = StableDiffusionPipeline.FromPretrained(Repository.MiniModel, CPU, ScalarType.Float32);

        using GenerationResult result = half.Generate("熊猫", options), expected = full.Generate("熊猫", options);

        // Its files are float16, so that both have the same numbers.
        Close.Assert(expected.ImageTensor, result.ImageTensor, 1e-5);
        Assert.Equal(2, half.UNet.parameters().First().ElementSize);
    }

    private static T Rounded<T>(T network, ScalarType dtype)
        where T : nn.Module
    {
        foreach (Tensor weight in network.parameters())
        {
            using Tensor rounded = weight.to(dtype);
            weight.copy_(rounded);
        }

        return network;
    }
}
