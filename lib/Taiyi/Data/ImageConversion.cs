using System.Runtime.InteropServices;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using static TorchSharp.torch;

namespace Taiyi.Data;

/// <summary>Pictures to numbers and back: bytes, as preprocessing takes them, and tensors in [-1, 1], as the networks do.</summary>
public static class ImageConversion
{
    // ToTensor then Normalize(0.5, 0.5) in float32, in the reference's order of operations, for each of the 256 levels.
    private static readonly float[] Normalised = [.. Enumerable.Range(0, 256).Select(level => ((level / 255f) - 0.5f) / 0.5f)];

    /// <summary>The picture as the networks take it.</summary>
    /// <returns>A new CPU tensor (3, H, W), float32 in [-1, 1]; the caller owns it.</returns>
    public static Tensor ToTensor(this Image<Rgb24> image)
    {
        int area = image.Width * image.Height;
        float[] planes = new float[3 * area];
        image.ProcessPixelRows(rows =>
        {
            for (int y = 0, i = 0; y < rows.Height; y++)
            {
                foreach (Rgb24 pixel in rows.GetRowSpan(y))
                {
                    planes[i] = Normalised[pixel.R];
                    planes[area + i] = Normalised[pixel.G];
                    planes[(2 * area) + i++] = Normalised[pixel.B];
                }
            }
        });
        return tensor(planes, [3, image.Height, image.Width]); // (3, H, W)
    }

    /// <summary>The picture of a tensor: clamped to [-1, 1], then (x / 2 + 1/2) * 255 rounded, as diffusers writes pictures.</summary>
    /// <param name="image">(3, H, W) or (1, 3, H, W), any floating dtype and device, in [-1, 1].</param>
    /// <returns>A new image; the caller owns it.</returns>
    /// <exception cref="ArgumentException">Another shape, or values that are not numbers.</exception>
    public static Image<Rgb24> ToImage(this Tensor image)
    {
        long[] shape = image.shape;
        if (shape is not ([3, _, _] or [1, 3, _, _]))
        {
            throw new ArgumentException(
                $"A picture is a tensor (3, H, W) or (1, 3, H, W), got ({string.Join(", ", shape)}): index a batch to take one picture of it.");
        }

        using var scope = NewDisposeScope();
        Tensor values = image.detach().to(float32, CPU).reshape(3, shape[^2], shape[^1]);
        if (isnan(values).any().item<bool>())
        {
            throw new ArgumentException("The picture holds values that are not numbers (NaN): the network overflowed, use float32 or bfloat16 in place of float16.");
        }

        Tensor levels = values.clamp(-1, 1).div(2).add(0.5).mul(255).round().to(uint8); // (3, H, W)
        byte[] pixels = levels.permute(1, 2, 0).contiguous().data<byte>().ToArray();    // (H, W, 3)
        return FromBytes((int)shape[^1], (int)shape[^2], pixels);
    }

    /// <summary>The pictures of a batch.</summary>
    /// <param name="images">(B, 3, H, W), any floating dtype and device, in [-1, 1].</param>
    /// <returns>B new images; the caller owns them.</returns>
    /// <exception cref="ArgumentException">Another shape, or values that are not numbers.</exception>
    public static IReadOnlyList<Image<Rgb24>> ToImages(this Tensor images)
    {
        using var scope = NewDisposeScope();
        return images.dim() == 4
            ? [.. images.unbind(0).Select(ToImage)]
            : throw new ArgumentException($"Pictures are a tensor (B, 3, H, W), got ({string.Join(", ", images.shape)}).");
    }

    /// <summary>The picture of bytes; they are copied.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="pixels">Bytes R, G, B of each pixel, row by row from the top: width x height x 3 of them.</param>
    /// <exception cref="ArgumentException">The number of bytes does not fit the size.</exception>
    public static Image<Rgb24> FromBytes(int width, int height, ReadOnlySpan<byte> pixels) => width > 0 && height > 0 && pixels.Length == 3L * width * height
        ? Image.LoadPixelData<Rgb24>(ImageFormats.Configuration, MemoryMarshal.Cast<byte, Rgb24>(pixels), width, height)
        : throw new ArgumentException($"A picture of {width} x {height} has {3L * width * height} bytes of RGB, got {pixels.Length}.");

    /// <summary>Bytes R, G, B of each pixel, row by row from the top; a new array.</summary>
    public static byte[] ToBytes(this Image<Rgb24> image)
    {
        byte[] pixels = new byte[3 * image.Width * image.Height];
        image.CopyPixelDataTo(pixels);
        return pixels;
    }

    /// <summary>Bytes R, G, B, A of each pixel, row by row from the top; a new array.</summary>
    public static byte[] ToBytes(this Image<Rgba32> image)
    {
        byte[] pixels = new byte[4 * image.Width * image.Height];
        image.CopyPixelDataTo(pixels);
        return pixels;
    }
}
