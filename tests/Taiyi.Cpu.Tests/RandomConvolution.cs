using static TorchSharp.torch;

namespace Taiyi.Cpu.Tests;

/// <summary>A map, 3x3 filters and a bias whose outputs have variance 2; always the same numbers.</summary>
internal static class RandomConvolution
{
    public static (Tensor Map, Tensor Weight, Tensor Bias) Draw(int batch, int channels, int outputs, int height, int width)
    {
        using Generator generator = new(3, CPU);
        Tensor weight = randn([outputs, channels, 3, 3], generator: generator) / Math.Sqrt(9 * channels);
        return (randn([batch, channels, height, width], generator: generator), weight, randn(outputs, generator: generator));
    }
}
