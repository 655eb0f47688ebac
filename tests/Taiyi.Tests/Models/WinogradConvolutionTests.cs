using Taiyi.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>Winograd's convolution beside the plain one in float64.</summary>
[NoTensorLeak]
public sealed class WinogradConvolutionTests
{
    private const double Tolerance = 1e-4; // rounding of float32, of values up to 7; libtorch's own convolution is off by as much

    [Theory]
    [InlineData(1, 8, 1, 8, 8)] // whole tiles; one output
    [InlineData(1, 8, 3, 1, 9)] // one row; a width of two tiles and a pixel
    [InlineData(3, 24, 5, 9, 13)] // pictures, sides that no tile divides
    [InlineData(2, 16, 8, 34, 67)] // more than one vector of tiles in a row
    [InlineData(2, 8, 8, 16, 16)] // a row of tiles half as long as a vector
    [InlineData(1, 16, 104, 12, 48)] // vectors of tiles across two panels
    [InlineData(1, 512, 520, 10, 8)] // channels and outputs in several pieces
    [InlineData(2, 48, 8, 250, 260)] // tiles in three pieces
    public void It_and_its_gradient_agree_with_float64(int batch, int channels, int outputs, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor map, Tensor weight, Tensor bias) = Random(batch, channels, outputs, height, width);
        Tensor exactMap = map.to(float64).requires_grad_();
        Tensor exact = nn.functional.conv2d(exactMap, weight.to(float64), bias.to(float64), [1L, 1], [1L, 1]);
        exact.backward([exact.detach()]);

        Close.Assert(exact.detach(), WinogradConvolution.Convolve(map, weight, bias), Tolerance);
        Close.Assert(exact.detach(), WinogradConvolution.Convolve(map.transpose(2, 3).contiguous().transpose(2, 3), weight, bias), Tolerance); // other strides
        if (outputs % 8 == 0) // there the outputs are the channels
        {
            Close.Assert(exactMap.grad!, WinogradConvolution.InputGradient(exact.detach().to(float32), weight), Tolerance);
        }
    }

    [Theory]
    [InlineData(1, 9, 13)]
    [InlineData(2, 40, 36)]
    public void With_the_norms_factor_and_term_it_convolves_what_norm_and_SiLU_give(int batch, int height, int width)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        GroupNorm norm = GoldenModel.Submodule<GroupNorm>(vae, "decoder.conv_norm_out");
        (Tensor map, Tensor weight, Tensor bias) = Random(batch, channels: 32, outputs: 8, height, width);
        map = (map * 0.1) + 5; // far from zero: a variance from a mean square loses digits there
        Tensor normed = nn.functional.group_norm(map.to(float64), 32, norm.Weight.to(float64), norm.Bias!.to(float64), 1e-6);
        Tensor exact = nn.functional.conv2d(nn.functional.silu(normed), weight.to(float64), bias.to(float64), [1L, 1], [1L, 1]);

        (Tensor factor, Tensor term) = norm.Affine(norm.Moments(map));

        Close.Assert(exact, WinogradConvolution.Convolve(map, weight, bias, factor, term), 10 * Tolerance);
    }

    [Fact]
    public void A_layer_takes_it_for_a_large_map_and_frozen_weights_alone_and_gives_the_same_either_way()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3, CPU);
        using AutoencoderKL vae = new(new AutoencoderKLConfig()); // 64 channels
        WeightInitialization.Initialize(vae, generator);
        GroupNorm norm = GoldenModel.Submodule<GroupNorm>(vae, "decoder.mid_block.resnets.0.norm1");
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(vae, "decoder.mid_block.resnets.0.conv1");
        norm.Bias!.copy_(linspace(-1, 1, 64));
        Tensor map = randn([1, 64, 256, 264], generator: generator), weight = convolution.Weight;

        weight.requires_grad = true;
        Tensor recorded = convolution.call(map), recordedWithNorm = convolution.NormActivateConvolve(norm, map);
        weight.requires_grad = false;

        using IDisposable noGrad = no_grad();
        Assert.Equal(MatrixTile.IsSupported, WinogradConvolution.Suits(map, weight));
        Assert.False(WinogradConvolution.Suits(map.narrow(2, 0, 100), weight)); // small
        Assert.False(WinogradConvolution.Suits(map.bfloat16(), weight.bfloat16()));
        Tensor plain = nn.functional.conv2d(map, weight, convolution.Bias, [1L, 1], [1L, 1]);
        Assert.True(recorded.equal(plain).all().ToBoolean()); // libtorch's own
        Assert.NotEqual(MatrixTile.IsSupported, convolution.call(map).equal(plain).all().ToBoolean());
        Close.Assert(recorded, convolution.call(map), Tolerance);
        Close.Assert(recordedWithNorm, convolution.NormActivateConvolve(norm, map), Tolerance);
    }

    private static (Tensor Map, Tensor Weight, Tensor Bias) Random(int batch, int channels, int outputs, int height, int width)
    {
        using Generator generator = new(3, CPU);
        Tensor weight = randn([outputs, channels, 3, 3], generator: generator) / Math.Sqrt(9 * channels); // outputs of variance 2
        return (randn([batch, channels, height, width], generator: generator), weight, randn(outputs, generator: generator));
    }
}
