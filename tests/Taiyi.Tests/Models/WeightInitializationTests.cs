using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

[NoTensorLeak]
public sealed class WeightInitializationTests
{
    [Fact]
    public void UNet_weights_have_the_deviation_of_pytorch()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(Repository.MiniModel);
        using Generator generator = new(3, CPU);

        WeightInitialization.Initialize(unet, generator);

        // U(-b, b) has deviation b/√3, here with b = 1/√fanIn.
        AssertDeviation(1 / Math.Sqrt(3 * 256), unet.get_parameter("time_embedding.linear_2.weight")!);
        AssertDeviation(1 / Math.Sqrt(3 * 9 * 192), unet.get_parameter("mid_block.resnets.0.conv1.weight")!);
        AssertDeviation(1 / Math.Sqrt(3 * 256), unet.get_parameter("time_embedding.linear_2.bias")!);
        Assert.Equal(1, unet.get_parameter("conv_norm_out.weight")!.min().item<float>());
        Assert.Equal(0, unet.get_parameter("conv_norm_out.bias")!.abs().max().item<float>());
    }

    [Fact]
    public void BERT_weights_have_the_deviation_of_transformers()
    {
        using var scope = NewDisposeScope();
        using BertTextEncoder encoder = GoldenModel.TextEncoder(Repository.MiniModel);
        using Generator generator = new(3, CPU);

        WeightInitialization.Initialize(encoder, generator);

        AssertDeviation(0.02, encoder.get_parameter("embeddings.word_embeddings.weight")!);
        AssertDeviation(0.02, encoder.get_parameter("encoder.layer.0.intermediate.dense.weight")!);
        Assert.Equal(0, encoder.get_parameter("encoder.layer.0.intermediate.dense.bias")!.abs().max().item<float>());
        Assert.Equal(1, encoder.get_parameter("embeddings.LayerNorm.weight")!.min().item<float>());
    }

    [Fact]
    public void The_same_seed_gives_the_same_weights()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL one = GoldenModel.Vae(GoldenModel.TinyTaiyi), two = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        using Generator first = new(3, CPU), again = new(3, CPU);

        WeightInitialization.Initialize(one, first);
        WeightInitialization.Initialize(two, again);

        foreach (var (name, parameter) in one.named_parameters())
        {
            Close.Assert(parameter, two.get_parameter(name)!, 0);
        }
    }

    // Five standard errors of a deviation from n uniform or normal draws, σ/√(2n) at most.
    private static void AssertDeviation(double expected, Tensor parameter) =>
        Assert.Equal(expected, parameter.std().item<float>(), 5 * expected / Math.Sqrt(2 * parameter.numel()));
}
