using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>
/// A 3x3 convolution of stride 1 and padding 1 in a quarter of the multiplications: Winograd's F(4x4, 3x3), in which 36 products
/// give the 16 pixels of a tile that otherwise take 144.
/// </summary>
/// <remarks>
/// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308, sections 4.1 and 4.3:
/// Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A for a filter g and a tile d of 6x6 pixels, of which neighbours share two rows and columns.
/// Summed over the channels, the products ⊙ are 36 matrix products. Transforms and products are <see cref="WinogradTransform"/>;
/// what each needs of the one before is still in the cache. In float32 its rounding errors are those of libtorch's own convolution.
/// </remarks>
internal static unsafe class WinogradConvolution
{
    // Of the transformed map in one piece, which every thread reads: it stays in the cache or near it.
    private const long DataBytes = 24L << 20;

    // That a thread computes together: the more, the more seldom the transformed map is read.
    private const int MaxOutputs = 96;

    // The filters' transform does not depend on the number of pixels, and few do not win it back. Large filters need fewer: those
    // libtorch's own convolution has to bring into another order too.
    private const long MinPixels = 256, MinPixelsOfLarge = 128, LargeFilters = 1 << 18;

    // Of few the maps' transforms take longer than the products.
    private const long MinChannels = 64;

    // Of a row: it lies on the stack while it is transformed.
    private const long MaxPixels = 4096;

    /// <summary>Whether a convolution goes this way: float32 on an x86 processor, large enough; autograd does not see what it computes.</summary>
    /// <param name="input">(B, C, H, W).</param>
    /// <param name="weight">(O, C, 3, 3) of a convolution of stride 1 and padding 1.</param>
    public static bool Suits(Tensor input, Tensor weight)
    {
        (long[] map, long[] filters) = (input.shape, weight.shape); // each a call into libtorch
        (long pixels, long outputs, long channels) = (map[0] * map[2] * map[3], filters[0], filters[1]);
        return filters[2] == 3 && filters[3] == 3 && MatrixTile.IsSupported && input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32
            && pixels >= (outputs * channels >= LargeFilters ? MinPixelsOfLarge : MinPixels)
            && IsWide(outputs) && IsWide(channels)
            && pixels * Math.Max(outputs, channels) <= Array.MaxLength / sizeof(float) // bytes of a span
            && map[3] <= MaxPixels;
    }

    /// <summary>(B, C, H, W) -> (B, O, H, W).</summary>
    /// <param name="input">(B, C, H, W), for which <see cref="Suits"/> is true.</param>
    /// <param name="weight">(O, C, 3, 3).</param>
    /// <param name="bias">(O).</param>
    /// <param name="factor">(B, C) float32: with <paramref name="term"/>, the input is SiLU(factor x + term). Null for x itself.</param>
    /// <param name="term">(B, C) float32.</param>
    public static Tensor Convolve(Tensor input, Tensor weight, Tensor bias, Tensor? factor = null, Tensor? term = null) =>
        Run(input, weight, bias, factor, term, turned: false);

    /// <summary>
    /// The gradient of the input, (B, O, H, W) -> (B, C, H, W): the same convolution with every filter turned by 180 degrees, and
    /// channels and outputs exchanged.
    /// </summary>
    /// <param name="gradient">Of the output, (B, O, H, W), for which <see cref="Suits"/> is true.</param>
    /// <param name="weight">(O, C, 3, 3).</param>
    public static Tensor InputGradient(Tensor gradient, Tensor weight)
    {
        using Tensor none = weight.new_zeros(weight.shape[1]);
        return Run(gradient, weight, none, null, null, turned: true);
    }

    // Some panels of tiles at a time, and of them some outputs at a time on every thread.
    private static Tensor Run(Tensor input, Tensor weight, Tensor bias, Tensor? factor, Tensor? term, bool turned)
    {
        using var scope = NewDisposeScope();
        (input, weight) = (input.contiguous(), weight.contiguous());
        (int channels, int outputs, int workers) = ((int)input.shape[1], (int)bias.shape[0], get_num_threads());
        int outputsAtOnce = OutputsAtOnce(outputs, workers);
        WinogradTiles tiles = new((int)input.shape[0], (int)input.shape[2], (int)input.shape[3]);
        WinogradTransform transform = new(tiles, channels, outputs, outputsAtOnce);
        int panelsAtOnce = PanelsAtOnce(transform);
        Tensor output = input.new_empty(input.shape[0], outputs, input.shape[2], input.shape[3]);
        Tensor data = input.new_empty(transform.DataLength(panelsAtOnce));
        Tensor filters = input.new_empty(workers, transform.FilterLength), products = input.new_empty(workers, transform.ProductLength(panelsAtOnce));
        float* x = MatrixTile.Floats(input), gamma = MatrixTile.Floats(factor), beta = MatrixTile.Floats(term), y = MatrixTile.Floats(output);
        float* g = MatrixTile.Floats(weight), b = MatrixTile.Floats(bias), v = MatrixTile.Floats(data), us = MatrixTile.Floats(filters), ms = MatrixTile.Floats(products);
        for (int panel = 0; panel < transform.Panels; panel += panelsAtOnce)
        {
            int firstPanel = panel, panels = Math.Min(panelsAtOnce, transform.Panels - panel), next = 0;
            OpenMPThreads.ForEach(channels, channel => transform.Data(x, gamma, beta, v, channel, firstPanel, panels));
            OpenMPThreads.ForEach(workers, worker =>
            {
                float* u = us + (worker * transform.FilterLength), m = ms + (worker * transform.ProductLength(panelsAtOnce));
                for (int first; (first = Interlocked.Add(ref next, outputsAtOnce) - outputsAtOnce) < outputs;)
                {
                    for (int channel = 0; channel < channels; channel += WinogradTransform.ChannelsAtOnce)
                    {
                        transform.Filter(g, turned, u, channel, first);
                        transform.Multiply(u, v, m, channel, first, panels);
                    }

                    transform.Inverse(m, b, y, first, firstPanel, panels);
                }
            });
        }

        return output.MoveToOuterDisposeScope();
    }

    // Equal shares for all threads, in as many rounds as keep each below the most.
    private static int OutputsAtOnce(int outputs, int workers)
    {
        int share = Divide(outputs, workers * Divide(outputs, workers * MaxOutputs));
        return Divide(share, MatrixTile.Rows) * MatrixTile.Rows;
    }

    // Equal pieces of the map, as few as keep their data below the most.
    private static int PanelsAtOnce(WinogradTransform transform)
    {
        long most = Math.Max(1, DataBytes / sizeof(float) / transform.DataLength(1));
        return Divide(transform.Panels, Divide(transform.Panels, (int)most));
    }

    private static int Divide(int items, int share) => (items + share - 1) / share; // rounded up

    private static bool IsWide(long channels) => channels >= MinChannels && channels % WinogradTiles.Lanes == 0;
}
