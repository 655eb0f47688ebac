using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using static TorchSharp.torch;

namespace Taiyi.Cli;

/// <summary>The picture that <c>--image</c> names and the mask that <c>--mask</c> names, brought to the size that is drawn.</summary>
internal static class StartPicture
{
    private const int LargestTint = 64; // levels between two channels; JPEG leaves less in grey

    /// <summary>Reads both, in the same way, so that they still lie over each other.</summary>
    /// <param name="picture">A picture file, or null.</param>
    /// <param name="mask">A mask of the same size in pixels, or null.</param>
    /// <param name="width">Width to draw at, in pixels.</param>
    /// <param name="height">Height to draw at, in pixels.</param>
    /// <returns>The picture (1, 3, H, W) in [-1, 1], the mask (1, 1, H, W) in [0, 1], 1 for white.</returns>
    /// <exception cref="ArgumentException">A mask without a picture, of another size, in colours, or without white.</exception>
    public static (Tensor? Picture, Tensor? Mask) Read(string? picture, string? mask, int width, int height)
    {
        if (picture is null)
        {
            return mask is null ? (null, null) : throw new ArgumentException(
                $"--mask '{mask}' stands without --image: name the picture too, of which the white part of the mask is drawn anew.");
        }

        using Image<Rgb24> image = ImageFile.Read(picture);
        if (mask is null)
        {
            return (ToTensor(image, width, height), null);
        }

        using Image<Rgb24> maskImage = ImageFile.Read(mask);
        if (maskImage.Size() != image.Size())
        {
            throw new ArgumentException(
                $"The mask '{mask}' has {maskImage.Width} x {maskImage.Height} pixels and the picture '{picture}' {image.Width} x {image.Height}: make the mask of the picture's size.");
        }

        RequireGrey(maskImage, mask);
        Tensor level = ToTensor(maskImage, width, height).mean([1], keepdim: true) / 2 + 0.5; // (1, 1, H, W)
        return level.max().item<float>() >= 0.5f
            ? (ToTensor(image, width, height), level)
            : throw new ArgumentException($"The mask '{mask}' is black where the picture is drawn, so that nothing would be drawn anew: paint that part white.");
    }

    /// <summary>A square is cut out of the middle; any other shape is stretched to, as diffusers does.</summary>
    private static Tensor ToTensor(Image<Rgb24> image, int width, int height)
    {
        using Image<Rgb24> sized = width == height ? ImagePreprocessing.ResizeAndCenterCrop(image, width) : ImagePreprocessing.Resize(image, width, height);
        return sized.ToTensor().unsqueeze(0); // (1, 3, H, W)
    }

    private static void RequireGrey(Image<Rgb24> mask, string path)
    {
        bool isGrey = true;
        mask.ProcessPixelRows(rows =>
        {
            for (int y = 0; y < rows.Height && isGrey; y++)
            {
                foreach (Rgb24 pixel in rows.GetRowSpan(y))
                {
                    isGrey &= Math.Max(pixel.R, Math.Max(pixel.G, pixel.B)) - Math.Min(pixel.R, Math.Min(pixel.G, pixel.B)) <= LargestTint;
                }
            }
        });
        if (!isGrey)
        {
            throw new ArgumentException($"The mask '{path}' is a picture in colours; a mask is white where the picture is drawn anew and black where it stays.");
        }
    }
}
