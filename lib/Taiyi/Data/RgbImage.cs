using static TorchSharp.torch;

namespace Taiyi.Data;

/// <summary>A decoded picture: 8-bit red, green and blue, rows from the top, no padding between them.</summary>
/// <remarks>Bytes are what preprocessing works on, since the reference resizes before it converts to numbers in [-1, 1].</remarks>
public sealed class RgbImage
{
    // ToTensor then Normalize(0.5, 0.5) in float32, in the reference's order of operations, for each of the 256 levels.
    private static readonly float[] Normalised = [.. Enumerable.Range(0, 256).Select(level => ((level / 255f) - 0.5f) / 0.5f)];

    /// <summary>Wraps pixels; the array is not copied.</summary>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="pixels">Bytes R, G, B of each pixel, row by row: width x height x 3 of them.</param>
    /// <exception cref="ArgumentException">The array's length does not fit the size.</exception>
    public RgbImage(int width, int height, byte[] pixels)
    {
        if (width < 1 || height < 1 || pixels.Length != 3L * width * height)
        {
            throw new ArgumentException($"A picture of {width} x {height} has {3L * width * height} bytes of RGB, got {pixels.Length}.", nameof(pixels));
        }

        Width = width;
        Height = height;
        Pixels = pixels;
    }

    /// <summary>Pixels in a row.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>Bytes R, G, B of each pixel, row by row from the top.</summary>
    public byte[] Pixels { get; }

    /// <summary>The picture as the networks take it.</summary>
    /// <returns>A new CPU tensor (3, H, W), float32 in [-1, 1]; the caller owns it.</returns>
    public Tensor ToTensor()
    {
        int area = Width * Height;
        float[] planes = new float[3 * area];
        for (int i = 0; i < area; i++)
        {
            for (int c = 0; c < 3; c++)
            {
                planes[(c * area) + i] = Normalised[Pixels[(3 * i) + c]];
            }
        }

        return tensor(planes, [3, Height, Width]); // (3, H, W)
    }

    /// <summary>The picture of a tensor: clamped to [-1, 1], then (x / 2 + 1/2) * 255 rounded, as diffusers writes pictures.</summary>
    /// <param name="picture">(3, H, W) or (1, 3, H, W), any floating dtype and device, in [-1, 1].</param>
    /// <exception cref="ArgumentException">Another shape, or values that are not numbers.</exception>
    public static RgbImage FromTensor(Tensor picture)
    {
        long[] shape = picture.shape;
        if (shape is not ([3, _, _] or [1, 3, _, _]))
        {
            throw new ArgumentException(
                $"A picture is a tensor (3, H, W) or (1, 3, H, W), got ({string.Join(", ", shape)}): index a batch to write one picture of it.", nameof(picture));
        }

        using var scope = NewDisposeScope();
        Tensor values = picture.detach().to(float32, CPU).reshape(3, shape[^2], shape[^1]);
        if (isnan(values).any().item<bool>())
        {
            throw new ArgumentException("The picture holds values that are not numbers (NaN): the network overflowed, use float32 or bfloat16 in place of float16.", nameof(picture));
        }

        Tensor levels = values.clamp(-1, 1).div(2).add(0.5).mul(255).round().to(uint8); // (3, H, W)
        byte[] pixels = levels.permute(1, 2, 0).contiguous().data<byte>().ToArray();    // (H, W, 3)
        return new RgbImage((int)shape[^1], (int)shape[^2], pixels);
    }

    /// <summary>The rectangle of a size whose upper left corner is at (left, top).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does not lie inside the picture.</exception>
    public RgbImage Crop(int left, int top, int width, int height)
    {
        if (left < 0 || top < 0 || width < 1 || height < 1 || left + width > Width || top + height > Height)
        {
            throw new ArgumentOutOfRangeException(
                nameof(width), $"The crop {width} x {height} at ({left}, {top}) does not lie inside the picture of {Width} x {Height}.");
        }

        byte[] cropped = new byte[3 * width * height];
        for (int y = 0; y < height; y++)
        {
            Pixels.AsSpan(3 * (((top + y) * Width) + left), 3 * width).CopyTo(cropped.AsSpan(3 * width * y));
        }

        return new RgbImage(width, height, cropped);
    }

    /// <summary>The mirror image, left and right exchanged.</summary>
    public RgbImage FlipHorizontally()
    {
        byte[] flipped = new byte[Pixels.Length];
        for (int y = 0; y < Height; y++)
        {
            for (int x = 0; x < Width; x++)
            {
                Pixels.AsSpan(3 * ((y * Width) + x), 3).CopyTo(flipped.AsSpan(3 * ((y * Width) + Width - 1 - x)));
            }
        }

        return new RgbImage(Width, Height, flipped);
    }
}
