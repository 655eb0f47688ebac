using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;

namespace Taiyi.Data;

/// <summary>Turns any picture into the square that the model takes: the short side is resized, then a square is cropped. Every step makes a new picture.</summary>
/// <remarks>
/// torchvision's Resize(size, bilinear) and CenterCrop(size) on Pillow pictures: the long side is cut to an integer, the corner of
/// the crop is rounded half to even. The triangle filter widens as the picture shrinks (antialias), as Pillow's bilinear does; a
/// pixel may differ from Pillow's by one level, for Pillow rounds to bytes between its two passes.
/// </remarks>
public static class ImagePreprocessing
{
    /// <summary>Resizes the short side to <paramref name="size"/> pixels, keeping the proportions.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public static Image<Rgb24> ResizeShortSide(Image<Rgb24> image, int size)
    {
        RequirePixels(size);
        return image.Width <= image.Height
            ? Resize(image, size, (int)((long)size * image.Height / image.Width))
            : Resize(image, (int)((long)size * image.Width / image.Height), size);
    }

    /// <summary>Resizes to exactly this size, with antialiasing where it shrinks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive.</exception>
    public static Image<Rgb24> Resize(Image<Rgb24> image, int width, int height)
    {
        RequirePixels(width);
        RequirePixels(height);
        return image.Clone(context => context.Resize(width, height, KnownResamplers.Triangle));
    }

    /// <summary>The square of <paramref name="size"/> pixels in the middle.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The picture is smaller.</exception>
    public static Image<Rgb24> CenterCrop(Image<Rgb24> image, int size)
    {
        int left = (int)Math.Round((image.Width - size) / 2.0, MidpointRounding.ToEven);
        int top = (int)Math.Round((image.Height - size) / 2.0, MidpointRounding.ToEven);
        return Crop(image, left, top, size);
    }

    /// <summary>A square of <paramref name="size"/> pixels at a place that <paramref name="random"/> chooses.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The picture is smaller.</exception>
    public static Image<Rgb24> RandomCrop(Image<Rgb24> image, int size, Random random)
    {
        int left = random.Next(Math.Max(1, image.Width - size + 1));
        int top = random.Next(Math.Max(1, image.Height - size + 1));
        return Crop(image, left, top, size);
    }

    /// <summary>The usual preprocessing: short side to <paramref name="size"/>, then the square in the middle.</summary>
    public static Image<Rgb24> ResizeAndCenterCrop(Image<Rgb24> image, int size)
    {
        using Image<Rgb24> resized = ResizeShortSide(image, size);
        return CenterCrop(resized, size);
    }

    private static Image<Rgb24> Crop(Image<Rgb24> image, int left, int top, int size) => size >= 1 && size <= Math.Min(image.Width, image.Height)
        ? image.Clone(context => context.Crop(new Rectangle(left, top, size, size)))
        : throw new ArgumentOutOfRangeException(null, $"A square of {size} pixels does not lie inside the picture of {image.Width} x {image.Height}: resize it first.");

    private static void RequirePixels(int side)
    {
        if (side < 1)
        {
            throw new ArgumentOutOfRangeException(null, $"A side of {side} pixels was asked for; it must be 1 or more.");
        }
    }
}
