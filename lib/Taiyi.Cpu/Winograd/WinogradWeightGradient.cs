using System.Runtime.Intrinsics;
using static Taiyi.Cpu.WinogradMatrices;
using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>
/// The gradient of a convolution's filters in a quarter of the multiplications, by the transpose of what
/// <see cref="WinogradConvolution"/> computes: ∂L/∂g = Gᵀ [Σ (A y Aᵀ) ⊙ (Bᵀ d B)] G over all tiles, with y the output's gradient.
/// </summary>
/// <remarks>
/// Here a sum runs over tiles, so the transformed data lie in panels of 16 channels, (panels, 36, tiles, 16), and the transformed
/// gradient is (36, O, tiles). The products are (36, O / 6, panels, 6, 16), as <see cref="MatrixTile"/> gives them.
/// </remarks>
internal sealed unsafe class WinogradWeightGradient
{
    private const int Points = WinogradTiles.Points, Side = WinogradTiles.Side, Lanes = WinogradTiles.Lanes;
    private const int Products = WinogradTransform.Products, Panel = WinogradTransform.Panel, Taps = WinogradTransform.Taps, CacheLine = WinogradTransform.CacheLine;

    // Of a sum in one piece: six rows of the one side and a panel of the other stay in the nearest cache.
    private const int TilesAtOnce = 256;

    private readonly WinogradTiles _tiles;
    private readonly int _channels, _outputs, _panels, _blocks;

    // From one of the 36 parts to the next.
    private readonly long _dataStep, _gradientStep, _productStep;

    private WinogradWeightGradient(Tensor input, int outputs)
    {
        _tiles = new WinogradTiles((int)input.shape[0], (int)input.shape[2], (int)input.shape[3]);
        (_channels, _outputs) = ((int)input.shape[1], outputs);
        (_panels, _blocks) = ((_channels + Panel - 1) / Panel, (outputs + MatrixTile.Rows - 1) / MatrixTile.Rows);
        _dataStep = (TilesAtOnce * Panel) + CacheLine;
        _gradientStep = ((long)_blocks * MatrixTile.Rows * TilesAtOnce) + CacheLine;
        _productStep = (long)_blocks * _panels * MatrixTile.Rows * Panel;
    }

    /// <summary>(B, C, H, W) and (B, O, H, W) -> (O, C, 3, 3).</summary>
    /// <param name="input">Of a convolution of stride 1 and padding 1, C a multiple of <see cref="WinogradTiles.Lanes"/>; float32 on the CPU.</param>
    /// <param name="gradient">Of its output.</param>
    public static Tensor Of(Tensor input, Tensor gradient) => new WinogradWeightGradient(input, (int)gradient.shape[1]).Compute(input, gradient);

    private Tensor Compute(Tensor input, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        (input, gradient) = (input.contiguous(), gradient.contiguous());
        Tensor filters = input.new_empty(_outputs, _channels, 3, 3);
        Tensor data = input.new_empty(_panels * Products * _dataStep), gradients = input.new_empty(Products * _gradientStep);
        Tensor products = input.new_empty(Products * _productStep);
        float* x = MatrixTile.Floats(input), y = MatrixTile.Floats(gradient), g = MatrixTile.Floats(filters);
        float* v = MatrixTile.Floats(data), w = MatrixTile.Floats(gradients), u = MatrixTile.Floats(products);
        int groups = _channels / Lanes;
        for (int tile = 0; tile < _tiles.Count; tile += TilesAtOnce)
        {
            int first = tile, count = Math.Min(TilesAtOnce, _tiles.Count - tile);
            OpenMPThreads.ForEach(groups + _outputs, i =>
            {
                if (i < groups)
                {
                    Data(x, v, i * Lanes, first, count);
                }
                else
                {
                    Gradient(y, w, i - groups, first, count);
                }
            });
            OpenMPThreads.ForEach(Products, part => Multiply(w, v, u, part, count, add: first > 0));
        }

        OpenMPThreads.ForEach(_outputs, output => Inverse(u, g, output));
        return filters.MoveToOuterDisposeScope();
    }

    // V = Bᵀ d B of eight channels of some tiles: (B, C, H, W) -> (panels, 36, tiles, 16).
    private void Data(float* input, float* v, int channel, int first, int count)
    {
        int line = _tiles.Line, linesOfChannel = Points * line;
        float* lines = stackalloc float[Lanes * linesOfChannel], columns = stackalloc float[Points * Lanes * Lanes];
        v += (channel / Panel * Products * _dataStep) + (channel % Panel);
        WinogradTiles.Position at = _tiles.At(first);
        for (int tile = 0; tile < count; tile++, v += Panel, _tiles.Advance(ref at))
        {
            for (int i = 0; i < Lanes; i++)
            {
                float* linesOf = lines + (i * linesOfChannel);
                if (at.Column == 0 || tile == 0)
                {
                    _tiles.ReadLines(_tiles.Map(input, (at.Picture * _channels) + channel + i), at.Row, follows: at.Row > 0 && tile > 0, linesOf);
                }

                WinogradTransform.DataColumns(linesOf + (Side * at.Column), line, columns + (i * Lanes));
            }

            WinogradTransform.DataRows(columns, v, _dataStep);
        }
    }

    // A y Aᵀ of one output of some tiles: (B, O, H, W) -> (36, O, tiles).
    private void Gradient(float* gradient, float* w, int output, int first, int count)
    {
        const int RowOfTiles = Side * Lanes;
        float* pixels = stackalloc float[Side * Lanes * Side], columns = stackalloc float[Points * Side * Lanes];
        w += (long)output * TilesAtOnce;
        WinogradTiles.Position at = _tiles.At(first);
        for (int tile = 0; tile < count; tile += Lanes)
        {
            _tiles.Read(gradient, _outputs, output, ref at, Math.Min(Lanes, count - tile), pixels);
            for (int pair = 0; pair < RowOfTiles; pair += Lanes) // two tiles
            {
                float* p = pixels + pair;
                MultiplyA(Load(p), Load(p + RowOfTiles), Load(p + (2 * RowOfTiles)), Load(p + (3 * RowOfTiles)), columns + pair, RowOfTiles); // (6, 8, 4)
            }

            for (int k = 0; k < Points; k++)
            {
                (Vector256<float> y0, Vector256<float> y1, Vector256<float> y2, Vector256<float> y3) = LoadColumns(columns + (k * RowOfTiles), Side);
                MultiplyA(y0, y1, y2, y3, w + (k * Points * _gradientStep) + tile, _gradientStep);
            }
        }
    }

    // One of the 36 products: (O, tiles) x (tiles, C).
    private void Multiply(float* w, float* v, float* u, int part, int count, bool add)
    {
        w += part * _gradientStep;
        v += part * _dataStep;
        u += part * _productStep;
        for (int block = 0; block < _blocks; block++, w += MatrixTile.Rows * TilesAtOnce)
        {
            for (int panel = 0; panel < _panels; panel++, u += MatrixTile.Rows * Panel)
            {
                MatrixTile.Multiply(w, TilesAtOnce, v + (panel * Products * _dataStep), u, count, add);
            }
        }
    }

    // Gᵀ U G of one output's filters: (36, O / 6, panels, 6, 16) -> (O, C, 3, 3).
    private void Inverse(float* u, float* g, int output)
    {
        float* rows = stackalloc float[3 * Points * Lanes], taps = stackalloc float[Taps * Lanes];
        (int block, int row) = Math.DivRem(output, MatrixTile.Rows);
        g += (long)output * _channels * Taps;
        for (int channel = 0; channel < _channels; channel += Lanes)
        {
            float* product = u + (((((long)block * _panels) + (channel / Panel)) * MatrixTile.Rows) + row) * Panel + (channel % Panel);
            for (int k = 0; k < Points; k++)
            {
                MultiplyGTransposed(product + (k * Points * _productStep), _productStep, rows + (k * Lanes), Points * Lanes); // (3, 6)
            }

            for (int x = 0; x < 3; x++)
            {
                MultiplyGTransposed(rows + (x * Points * Lanes), Lanes, taps + (x * Lanes), 3 * Lanes); // (3, 3)
            }

            for (int lane = 0; lane < Lanes; lane++)
            {
                for (int tap = 0; tap < Taps; tap++)
                {
                    *g++ = taps[(tap * Lanes) + lane];
                }
            }
        }
    }
}
