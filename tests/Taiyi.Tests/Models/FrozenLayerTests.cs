using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>Layers that a training leaves as they are, beside libtorch's own gradients.</summary>
[NoTensorLeak]
public sealed class FrozenLayerTests
{
    [Theory]
    [InlineData("conv_in", 1, 4, 7, 10)] // padding 1
    [InlineData("down_blocks.0.downsamplers.0.conv", 2, 32, 7, 10)] // stride 2, whose last row may be skipped
    [InlineData("down_blocks.0.attentions.0.proj_in", 2, 32, 5, 3)] // 1x1
    public void A_convolution_with_16_bit_weights_passes_on_the_gradient_of_float32(string layer, int batch, int channels, int height, int width)
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi, ScalarType.Float16);
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(unet, layer);
        Tensor map = randn(batch, channels, height, width);
        (long stride, long padding) = (layer.Contains("downsamplers") ? 2 : 1, convolution.Weight.shape[2] / 2);

        AssertSameGradient(
            map, convolution.call, x => nn.functional.conv2d(x, convolution.Weight.to(float32), convolution.Bias!.to(float32), [stride, stride], [padding, padding]), 1e-5);
    }

    [Fact]
    public void A_linear_layer_with_16_bit_weights_passes_on_the_gradient_of_float32()
    {
        using var scope = NewDisposeScope();
        using UNet2DConditionModel unet = GoldenModel.UNet(GoldenModel.TinyTaiyi, ScalarType.Float16);
        Linear linear = GoldenModel.Submodule<Linear>(unet, "time_embedding.linear_1");

        AssertSameGradient(randn(2, 3, linear.Weight.shape[1]), linear.call, x => nn.functional.linear(x, linear.Weight.to(float32), linear.Bias!.to(float32)), 1e-5);
    }

    [Fact]
    public void A_large_convolution_passes_on_the_gradient_of_float64()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL vae = new(new AutoencoderKLConfig()); // 64 channels
        using Generator generator = new(3, CPU);
        WeightInitialization.Initialize(vae, generator);
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(vae, "decoder.mid_block.resnets.0.conv1");
        Tensor map = randn([1, 64, 261, 264], generator: generator), weight = convolution.Weight.detach().to(float64), bias = convolution.Bias!.detach().to(float64);

        AssertSameGradient(map, convolution.call, x => nn.functional.conv2d(x.to(float64), weight, bias, [1, 1], [1, 1]), 1e-4);
    }

    private static void AssertSameGradient(Tensor input, Func<Tensor, Tensor> layer, Func<Tensor, Tensor> reference, double tolerance)
    {
        Tensor x = input.detach().clone().requires_grad_(), y = input.detach().clone().requires_grad_();
        Tensor intermediate = x.alias();
        Tensor output = layer(intermediate), expected = reference(y);
        intermediate.Dispose(); // as a block does with its own, long before the backward pass
        Tensor direction = randn_like(expected); // a gradient that is another one everywhere
        output.backward([direction.to(output.dtype)]);
        expected.backward([direction]);

        Close.Assert(expected.detach(), output.detach(), tolerance);
        Close.Assert(y.grad!, x.grad!, tolerance);
    }
}
