using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

/// <summary>Convolutions of large maps, which are computed in strips of rows, beside libtorch's of the whole map.</summary>
[NoTensorLeak]
public sealed class Conv2dTests
{
    [Theory]
    [InlineData("decoder.conv_out", 12, 4)]
    [InlineData("decoder.conv_out", 13, 4)] // a last strip of one row
    [InlineData("decoder.conv_out", 5, 1)]
    [InlineData("decoder.conv_out", 3, 8)] // one strip
    [InlineData("quant_conv", 13, 4)] // 1x1
    public void A_convolution_in_strips_equals_that_of_the_whole_map(string layer, int height, int rows)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(vae, layer);
        Tensor map = Map(convolution, [2, height, 9]);

        Close.Assert(Whole(convolution, map), convolution.InStrips(map, rows), 1e-5);
    }

    [Fact]
    public void A_map_of_more_than_64_MiB_gives_what_libtorch_gives()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        using AutoencoderKL vae = GoldenModel.Vae(GoldenModel.TinyTaiyi);
        Conv2d convolution = GoldenModel.Submodule<Conv2d>(vae, "decoder.conv_out");
        Tensor map = Map(convolution, [1, 1030, (17 << 20) / 1030 / convolution.Weight.shape[1]]); // 68 MiB

        Close.Assert(Whole(convolution, map), convolution.call(map), 1e-5);
    }

    private static Tensor Map(Conv2d convolution, long[] batchHeightWidth)
    {
        using Generator generator = new(1, CPU);
        return randn([batchHeightWidth[0], convolution.Weight.shape[1], .. batchHeightWidth[1..]], generator: generator);
    }

    private static Tensor Whole(Conv2d convolution, Tensor map)
    {
        long padding = (convolution.Weight.shape[2] - 1) / 2;
        return nn.functional.conv2d(map, convolution.Weight, convolution.Bias, [1L, 1], [padding, padding]);
    }
}
