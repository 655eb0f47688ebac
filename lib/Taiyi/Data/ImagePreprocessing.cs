namespace Taiyi.Data;

/// <summary>Any picture to the square that the model takes: short side resized, then a square cut out.</summary>
/// <remarks>
/// Equal to torchvision's Resize(size, bilinear) and CenterCrop(size) on Pillow pictures: the long side is cut to an integer,
/// the corner of the crop is rounded half to even.
/// </remarks>
public static class ImagePreprocessing
{
    /// <summary>Resizes the short side to <paramref name="size"/> pixels, keeping the proportions.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public static RgbImage ResizeShortSide(RgbImage image, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        return image.Width <= image.Height
            ? Resize(image, size, (int)((long)size * image.Height / image.Width))
            : Resize(image, (int)((long)size * image.Width / image.Height), size);
    }

    /// <summary>Resizes to exactly this size, with antialiasing where it shrinks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A side is not positive.</exception>
    public static RgbImage Resize(RgbImage image, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        return new RgbImage(width, height, BilinearResampler.Resize(image.Pixels, 3, image.Width, image.Height, width, height));
    }

    /// <summary>The square of <paramref name="size"/> pixels in the middle.</summary>
    public static RgbImage CenterCrop(RgbImage image, int size)
    {
        int left = (int)Math.Round((image.Width - size) / 2.0, MidpointRounding.ToEven);
        int top = (int)Math.Round((image.Height - size) / 2.0, MidpointRounding.ToEven);
        return image.Crop(left, top, size, size);
    }

    /// <summary>A square of <paramref name="size"/> pixels at a place that <paramref name="random"/> chooses.</summary>
    public static RgbImage RandomCrop(RgbImage image, int size, Random random)
    {
        int left = random.Next(Math.Max(1, image.Width - size + 1));
        int top = random.Next(Math.Max(1, image.Height - size + 1));
        return image.Crop(left, top, size, size);
    }

    /// <summary>The usual preprocessing: short side to <paramref name="size"/>, then the square in the middle.</summary>
    public static RgbImage ResizeAndCenterCrop(RgbImage image, int size) => CenterCrop(ResizeShortSide(image, size), size);
}
