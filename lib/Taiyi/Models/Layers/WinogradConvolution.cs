using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>
/// A 3x3 convolution of stride 1 and padding 1 in a quarter of the multiplications: Winograd's F(4x4, 3x3), in which 36 products
/// give the 16 pixels of a tile that otherwise take 144.
/// </summary>
/// <remarks>
/// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308, sections 4.1 and 4.3:
/// Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A for a filter g and a tile d of 6x6 pixels, of which neighbours share two rows and columns.
/// Summed over the channels, the products ⊙ are 36 matrix products, which libtorch computes; the transforms before and after
/// them are <see cref="WinogradTransform"/>. In float32 its rounding errors are those of libtorch's own convolution.
/// </remarks>
internal static unsafe class WinogradConvolution
{
    // Filters, tiles and products of one piece take as much each at most, so that they stay in the cache or near it.
    private const long PieceBytes = 24L << 20;

    // The filters' transform does not depend on the number of pixels: few do not win it back, nor does a small convolution
    // what the many calls cost.
    private const long LeastPixels = 1024;
    private const long LeastProducts = 1L << 28;
    private const long LeastChannels = 64;

    // Of a row: it lies on the stack while it is transformed.
    private const long MostPixels = 4096;

    /// <summary>Whether a convolution goes this way: float32 on an x86 processor, large enough; autograd does not see what it computes.</summary>
    /// <param name="input">(B, C, H, W).</param>
    /// <param name="weight">(O, C, 3, 3) of a convolution of stride 1 and padding 1.</param>
    public static bool Suits(Tensor input, Tensor weight) =>
        Avx.IsSupported && input.device_type == DeviceType.CPU && input.dtype == ScalarType.Float32
        && Pixels(input) >= LeastPixels && Pixels(input) * weight.shape[0] * weight.shape[1] >= LeastProducts
        && weight.shape[0] >= LeastChannels && weight.shape[1] >= LeastChannels
        && Pixels(input) * Math.Max(weight.shape[0], weight.shape[1]) <= Array.MaxLength / sizeof(float) // bytes of a span
        && input.shape[1] % WinogradTransform.Lanes == 0 && input.shape[3] is >= WinogradTransform.Lanes and <= MostPixels;

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

    private static Tensor Run(Tensor input, Tensor weight, Tensor bias, Tensor? factor, Tensor? term, bool turned)
    {
        Tensor output = InPieces(input, weight, bias, factor, term, turned);
        if (RowMap.IsLarge(output))
        {
            FreeMemory.ReturnUnused(); // beside such maps it counts, and what it costs does not
        }

        return output;
    }

    // Some rows of tiles at a time, and of them some outputs at a time.
    private static Tensor InPieces(Tensor input, Tensor weight, Tensor bias, Tensor? factor, Tensor? term, bool turned)
    {
        using var scope = NewDisposeScope();
        (input, weight) = (input.contiguous(), weight.contiguous());
        (int batch, int channels, int outputs) = ((int)input.shape[0], (int)input.shape[1], (int)bias.shape[0]);
        WinogradTransform transform = new(batch, (int)input.shape[2], (int)input.shape[3]);
        int outputsAtOnce = Piece(outputs, WinogradTransform.Products * sizeof(float) * (long)channels);
        int widest = batch * Math.Max(channels, outputsAtOnce);
        int rowsAtOnce = Piece(transform.TileRows, WinogradTransform.Products * sizeof(float) * (long)transform.TilesInRow * widest);

        // One memory for all pieces: the C library does not put an aligned tensor into the hole of another of its size.
        Tensor output = input.new_empty(batch, outputs, input.shape[2], input.shape[3]);
        Tensor u = input.new_empty(outputsAtOnce, WinogradTransform.Products, channels);
        Tensor tiles = input.new_empty((long)channels * WinogradTransform.Products * batch * rowsAtOnce * transform.TilesInRow);
        float* x = Floats(input), gamma = Floats(factor), beta = Floats(term), g = Floats(weight), b = Floats(bias), y = Floats(output);
        float* filters = Floats(u), data = Floats(tiles);
        for (int row = 0; row < transform.TileRows; row += rowsAtOnce)
        {
            int rows = Math.Min(rowsAtOnce, transform.TileRows - row), length = channels * WinogradTransform.Products * batch * rows * transform.TilesInRow;
            using Tensor v = tiles.narrow(0, 0, length).view(channels, WinogradTransform.Products, -1).transpose(0, 1); // (36, C, tiles)
            ForEach(channels, channel => transform.Data(x, gamma, beta, data, channel, channels, row, rows));
            for (int first = 0; first < outputs; first += outputsAtOnce)
            {
                int count = Math.Min(outputsAtOnce, outputs - first);
                if (row == 0 || outputsAtOnce < outputs)
                {
                    ForEach(count, o => WinogradTransform.Filter(g, filters, first + o, o, channels, outputs, turned));
                }

                using Tensor some = u.narrow(0, 0, count).transpose(0, 1); // (36, count, C)
                using Tensor m = bmm(some, v);                             // (36, count, tiles)
                float* products = Floats(m);
                ForEach(count, o => transform.Inverse(products, b[first + o], y, o, count, first + o, outputs, row, rows));
            }
        }

        return output.MoveToOuterDisposeScope();
    }

    private static long Pixels(Tensor map) => map.shape[0] * map.shape[2] * map.shape[3];

    // Equal pieces of a whole number of items, none larger than the limit.
    private static int Piece(int items, long bytesOfItem)
    {
        long most = Math.Clamp(PieceBytes / bytesOfItem, 1, items);
        long pieces = (items + most - 1) / most;
        return (int)((items + pieces - 1) / pieces);
    }

    private static void ForEach(int count, Action<int> action) =>
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = get_num_threads() }, action);

    // Native memory, which no collection moves.
    private static float* Floats(Tensor? tensor) => tensor is null ? null : (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));
}
