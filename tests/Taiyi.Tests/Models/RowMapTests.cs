using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>Maps that are computed in strips of 64 rows, beside libtorch's operations on the whole map.</summary>
[NoTensorLeak]
public sealed class RowMapTests
{
    private const double Tolerance = 1e-5; // rounding, of values near 1

    [Theory]
    [InlineData("decoder.conv_out", 64)] // one strip
    [InlineData("decoder.conv_out", 65)] // a last strip of one row
    [InlineData("decoder.conv_out", 150)]
    [InlineData("quant_conv", 150)] // 1x1
    public void A_convolution_in_strips_equals_that_of_the_whole_map(string layer, int height)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(vae, layer);
        Tensor map = Noise(2, convolution.Weight.shape[1], height, 9);
        long padding = (convolution.Weight.shape[2] - 1) / 2;

        Tensor whole = nn.functional.conv2d(map, convolution.Weight, convolution.Bias, [1L, 1], [padding, padding]);

        Close.Assert(whole, RowMap.Of(map).Convolve(convolution).ToTensor(), Tolerance);
    }

    [Fact]
    public void A_group_norm_in_strips_has_the_statistics_of_the_whole_map()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        GroupNorm norm = GoldenModel.Submodule<GroupNorm>(vae, "decoder.conv_norm_out");
        Tensor map = Noise(2, 32, 150, 9) + arange(150).reshape(150, 1) / 50; // grows downwards: no strip is like the whole

        Tensor whole = nn.functional.silu(nn.functional.group_norm(map, 32, norm.Weight, norm.Bias, 1e-6));

        Close.Assert(whole, RowMap.Of(map).NormActivate(norm).ToTensor(), Tolerance);
    }

    [Fact]
    public void A_large_map_takes_strips_and_gives_what_the_small_parts_of_libtorch_give()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        GroupNorm norm = GoldenModel.Submodule<GroupNorm>(vae, "decoder.conv_norm_out");
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(vae, "decoder.conv_out");
        Upsample2D upsample = GoldenModel.Submodule<Upsample2D>(vae, "decoder.up_blocks.0.upsamplers.0");
        Tensor map = Noise(1, 32, 700, 400); // 34 MiB
        Assert.True(RowMap.IsLarge(map));

        Tensor normed = nn.functional.silu(nn.functional.group_norm(map, 32, norm.Weight, norm.Bias, 1e-6));
        Tensor doubled = nn.functional.interpolate(map, [1400, 800], mode: InterpolationMode.Nearest);

        Close.Assert(convolution.call(normed), convolution.NormActivateConvolve(norm, map), Tolerance);
        Close.Assert(GoldenModel.Submodule<Conv2d>(upsample, "conv").call(doubled), upsample.call(map, [1400, 800]), Tolerance);
    }

    private static Tensor Noise(params long[] shape)
    {
        using Generator generator = new(1, CPU);
        return randn(shape, generator: generator);
    }
}
