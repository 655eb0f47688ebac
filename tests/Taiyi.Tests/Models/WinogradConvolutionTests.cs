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
    [InlineData(5, 16, 8, 4, 4)] // a tile a picture; fewer tiles than are computed together
    [InlineData(6, 8, 16, 3, 2)] // less than a tile
    [InlineData(2, 16, 8, 34, 67)] // many tiles in a row
    [InlineData(2, 8, 8, 16, 16)] // a row of tiles half as long as a vector
    [InlineData(3, 8, 8, 8, 24)] // a row of tiles in two groups of eight
    [InlineData(1, 16, 104, 12, 48)] // vectors of tiles across two panels
    [InlineData(1, 512, 520, 10, 8)] // channels and outputs in several pieces
    [InlineData(2, 48, 8, 250, 260)] // tiles in three pieces
    public void It_and_its_gradients_agree_with_float64(int batch, int channels, int outputs, int height, int width)
    {
        using var scope = NewDisposeScope();
        (Tensor map, Tensor weight, Tensor bias) = Random(batch, channels, outputs, height, width);
        (Tensor exactMap, Tensor exactWeight) = (map.to(float64).requires_grad_(), weight.to(float64).requires_grad_());
        Tensor exact = nn.functional.conv2d(exactMap, exactWeight, bias.to(float64), [1L, 1], [1L, 1]);
        exact.backward([exact.detach()]);
        Tensor gradient = exact.detach().to(float32);

        Close.Assert(exact.detach(), WinogradConvolution.Convolve(map, weight, bias), Tolerance);
        Close.Assert(exact.detach(), WinogradConvolution.Convolve(map.transpose(2, 3).contiguous().transpose(2, 3), weight, bias), Tolerance); // other strides
        Tensor exactOfWeight = exactWeight.grad!; // sums over all pixels
        Close.Assert(exactOfWeight, WinogradWeightGradient.Of(map, gradient), 1e-4 * exactOfWeight.abs().max().item<double>());
        if (outputs % 8 == 0) // there the outputs are the channels
        {
            Close.Assert(exactMap.grad!, WinogradConvolution.InputGradient(gradient, weight), Tolerance);
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
    public void A_layer_takes_it_where_it_is_faster_and_gives_the_same_either_way()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3, CPU);
        using AutoencoderKL vae = new(new AutoencoderKLConfig()); // 64 channels
        WeightInitialization.Initialize(vae, generator);
        GroupNorm norm = GoldenModel.Submodule<GroupNorm>(vae, "decoder.mid_block.resnets.0.norm1");
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(vae, "decoder.mid_block.resnets.0.conv1");
        norm.Bias!.copy_(linspace(-1, 1, 64));
        Tensor map = randn([4, 64, 8, 12], generator: generator), weight = convolution.Weight, bias = convolution.Bias!;
        Tensor plain = nn.functional.conv2d(map, weight, bias, [1L, 1], [1L, 1]);
        Tensor plainWithNorm = nn.functional.conv2d(nn.functional.silu(norm.call(map)), weight, bias, [1L, 1], [1L, 1]);

        weight.requires_grad = true;
        Tensor recordedWithNorm = convolution.NormActivateConvolve(norm, map);
        weight.requires_grad = false;

        using IDisposable noGrad = no_grad();
        Assert.Equal(MatrixTile.IsSupported, WinogradConvolution.Suits(map, weight));
        Assert.False(WinogradConvolution.Suits(map.narrow(2, 0, 5), weight)); // few pixels
        Assert.False(WinogradConvolution.Suits(map, weight.narrow(0, 0, 56))); // few outputs
        Assert.False(WinogradConvolution.Suits(map, weight.repeat(2, 1, 1, 1).narrow(0, 0, 100))); // not in eights
        Assert.False(WinogradConvolution.Suits(map.bfloat16(), weight.bfloat16()));
        Assert.NotEqual(MatrixTile.IsSupported, convolution.call(map).equal(plain).all().ToBoolean());
        Close.Assert(plain, convolution.call(map), Tolerance);
        Close.Assert(plainWithNorm, recordedWithNorm.detach(), Tolerance);
        Close.Assert(plainWithNorm, convolution.NormActivateConvolve(norm, map), Tolerance);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_layer_in_training_has_the_gradients_of_libtorchs_own(bool inputHasGradient)
    {
        using var scope = NewDisposeScope();
        (Tensor map, Tensor weight, Tensor bias) = Random(batch: 3, channels: 64, outputs: 72, height: 8, width: 12);
        Tensor target = randn_like(nn.functional.conv2d(map, weight, bias, [1L, 1], [1L, 1]));
        using Conv2d convolution = new(64, 72, kernelSize: 3, padding: 1);
        using nn.Module network = nn.Sequential(convolution);
        WeightedLayer.Allocate(network, CPU, ScalarType.Float32);
        using (no_grad())
        {
            convolution.Weight.copy_(weight);
            convolution.Bias!.copy_(bias);
        }

        convolution.Weight.requires_grad = convolution.Bias!.requires_grad = true;
        Assert.Equal(MatrixTile.IsSupported, WinogradConvolution.Suits(map, convolution.Weight));
        Tensor[] exact = [map.to(float64).requires_grad_(inputHasGradient), weight.to(float64).requires_grad_(), bias.to(float64).requires_grad_()];
        nn.functional.mse_loss(nn.functional.conv2d(exact[0], exact[1], exact[2], [1L, 1], [1L, 1]), target.to(float64)).backward();
        Tensor input = map.clone().requires_grad_(inputHasGradient);

        nn.functional.mse_loss(convolution.call(input), target).backward();

        Close.Assert(exact[1].grad!, convolution.Weight.grad!, 1e-6); // of values up to 0.06
        Close.Assert(exact[2].grad!, convolution.Bias!.grad!, 1e-6);
        Assert.Equal(inputHasGradient, input.grad is not null);
        if (inputHasGradient)
        {
            Close.Assert(exact[0].grad!, input.grad!, 1e-6);
        }
    }

    private static (Tensor Map, Tensor Weight, Tensor Bias) Random(int batch, int channels, int outputs, int height, int width)
    {
        using Generator generator = new(3, CPU);
        Tensor weight = randn([outputs, channels, 3, 3], generator: generator) / Math.Sqrt(9 * channels); // outputs of variance 2
        return (randn([batch, channels, height, width], generator: generator), weight, randn(outputs, generator: generator));
    }
}
