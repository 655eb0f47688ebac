using static TorchSharp.torch;

namespace Taiyi.Cpu.Tests;

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
        (Tensor map, Tensor weight, Tensor bias) = RandomConvolution.Draw(batch, channels, outputs, height, width);
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

    [Fact]
    public void It_is_taken_for_large_enough_convolutions_of_float32()
    {
        using var scope = NewDisposeScope();
        (Tensor map, Tensor weight, _) = RandomConvolution.Draw(batch: 4, channels: 64, outputs: 64, height: 8, width: 12);

        Assert.Equal(MatrixTile.IsSupported, WinogradConvolution.Suits(map, weight));
        Assert.False(WinogradConvolution.Suits(map.narrow(2, 0, 5), weight)); // few pixels
        Assert.False(WinogradConvolution.Suits(map, weight.narrow(0, 0, 56))); // few outputs
        Assert.False(WinogradConvolution.Suits(map, weight.repeat(2, 1, 1, 1).narrow(0, 0, 100))); // not in eights
        Assert.False(WinogradConvolution.Suits(map.bfloat16(), weight.bfloat16()));
        Assert.False(WinogradConvolution.Suits(map, weight.narrow(2, 0, 1).narrow(3, 0, 1))); // 1x1
    }
}
