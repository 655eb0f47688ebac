using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>The convolution by im2col beside the plain one in float64.</summary>
[NoTensorLeak]
public sealed class Im2ColConvolutionTests
{
    [Theory]
    [InlineData(1, 3, 5, 1, 1, 1, 1)] // a single pixel
    [InlineData(2, 4, 6, 5, 7, 1, 1)]
    [InlineData(3, 4, 6, 7, 10, 2, 1)] // a stride that skips the last column
    [InlineData(1, 4, 6, 8, 8, 2, 0)]
    public void It_and_its_gradient_agree_with_float64(int batch, int channels, int outputs, int height, int width, long stride, long padding)
    {
        using var scope = NewDisposeScope();
        Tensor map = randn(batch, channels, height, width), weight = randn(outputs, channels, 3, 3), bias = randn(outputs);
        Tensor exactMap = map.to(float64).requires_grad_();
        Tensor exact = nn.functional.conv2d(exactMap, weight.to(float64), bias.to(float64), [stride, stride], [padding, padding]);
        Tensor gradient = randn_like(exact);
        exact.backward([gradient]);

        Close.Assert(exact.detach(), Im2ColConvolution.Convolve(map, weight, bias, stride, padding), 1e-4);
        Close.Assert(exactMap.grad!, Im2ColConvolution.InputGradient(gradient.to(float32), weight, [height, width], stride, padding), 1e-4);
    }

    [Theory]
    [InlineData(1, ScalarType.Float32)]
    [InlineData(2, ScalarType.Float32)]
    [InlineData(2, ScalarType.Float16)] // converted in every call, kept by none
    public void A_layer_takes_it_for_large_filters_and_few_pixels_and_passes_on_the_gradient(long stride, ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Conv2d convolution = new(1024, 1024, kernelSize: 3, stride, padding: 1); // 36 MiB
        using var network = nn.Sequential(convolution);
        WeightedLayer.Allocate(network, CPU, dtype);
        convolution.Weight.copy_(randn(1024, 1024, 3, 3) / 96); // outputs of variance 1
        convolution.Bias!.copy_(randn(1024));
        Tensor map = randn(1, 1024, 8, 8), input = map.clone().requires_grad_(), expectedInput = map.clone().requires_grad_();
        Tensor weight = convolution.Weight.detach().to(float32), bias = convolution.Bias!.detach().to(float32);

        Assert.True(Im2ColConvolution.Suits(map, weight, stride));
        Assert.False(Im2ColConvolution.Suits(map.expand(5, -1, -1, -1), weight, stride: 1)); // more pixels
        Assert.False(Im2ColConvolution.Suits(map, weight.narrow(0, 0, 512), stride)); // smaller filters
        Assert.False(Im2ColConvolution.Suits(map.bfloat16(), weight, stride));
        Tensor output = convolution.call(input), expected = nn.functional.conv2d(expectedInput, weight, bias, [stride, stride], [1, 1]);
        Tensor gradient = randn_like(expected);
        output.backward([gradient]);
        expected.backward([gradient]);

        Close.Assert(expected.detach(), output.detach(), 1e-4);
        Close.Assert(expectedInput.grad!, input.grad!, 1e-4);
        using IDisposable noGrad = no_grad();
        Assert.True(output.equal(convolution.call(map)).all().item<bool>());
        Assert.False(expected.equal(convolution.call(map)).all().item<bool>()); // in another order of sums
    }
}
