using static TorchSharp.torch;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Pictures of a source as tensors.</summary>
internal static class PictureBatch
{
    /// <summary>Pictures of the stream, (B, 3, size, size) float32 on the CPU; the caller owns the tensor.</summary>
    public static Tensor Variations(IPictureSource pictures, IReadOnlyList<long> numbers) =>
        Draw(pictures.Size, numbers.Count, (i, pixels) => pictures.DrawVariation(numbers[i], pixels));

    /// <summary>Originals as they are, (B, 3, size, size) float32 on the CPU; the caller owns the tensor.</summary>
    public static Tensor Originals(IPictureSource pictures, IReadOnlyList<int> originals) =>
        Draw(pictures.Size, originals.Count, (i, pixels) => pictures.DrawOriginal(originals[i], pixels));

    private delegate void DrawOne(int i, Span<float> pixels);

    private static Tensor Draw(int size, int count, DrawOne draw)
    {
        int length = 3 * size * size;
        float[] pixels = new float[count * length];
        Parallel.For(0, count, i => draw(i, pixels.AsSpan(i * length, length)));
        return tensor(pixels, [count, 3, size, size]);
    }
}
