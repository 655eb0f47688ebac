namespace Taiyi.Data;

/// <summary>Bilinear resizing in the fixed-point arithmetic of Pillow, so that pixels equal those the reference trains on.</summary>
/// <remarks>
/// When a picture shrinks the triangle filter widens with the scale (antialias), unlike a graphics library's bilinear sampling.
/// One pass along x, rounded to bytes, then one along y. Arithmetic after python-pillow/Pillow, src/libImaging/Resample.c.
/// </remarks>
internal static class BilinearResampler
{
    // Weights are integers in units of 2^-22: a byte times a sum of weights of 1 still fits an int.
    private const int PrecisionBits = 22;

    /// <summary>The picture at another size.</summary>
    public static RgbImage Resize(RgbImage image, int width, int height)
    {
        RgbImage wide = width == image.Width ? image : ResizeWidth(image, width);
        return height == image.Height ? wide : ResizeHeight(wide, height);
    }

    private static RgbImage ResizeWidth(RgbImage image, int width)
    {
        Window[] windows = Windows(image.Width, width);
        byte[] result = new byte[3 * width * image.Height];
        for (int y = 0; y < image.Height; y++)
        {
            int row = 3 * y * image.Width;
            for (int x = 0; x < width; x++)
            {
                for (int c = 0; c < 3; c++)
                {
                    result[(3 * ((y * width) + x)) + c] = windows[x].Apply(image.Pixels, row + c, 3);
                }
            }
        }

        return new RgbImage(width, image.Height, result);
    }

    private static RgbImage ResizeHeight(RgbImage image, int height)
    {
        Window[] windows = Windows(image.Height, height);
        int stride = 3 * image.Width;
        byte[] result = new byte[stride * height];
        for (int y = 0; y < height; y++)
        {
            for (int i = 0; i < stride; i++)
            {
                result[(y * stride) + i] = windows[y].Apply(image.Pixels, i, stride);
            }
        }

        return new RgbImage(image.Width, height, result);
    }

    // For every output position: the input positions under the triangle, and their weights.
    private static Window[] Windows(int inputSize, int outputSize)
    {
        double scale = (double)inputSize / outputSize;
        double support = Math.Max(scale, 1.0);
        double perPixel = 1.0 / support;
        Window[] windows = new Window[outputSize];
        for (int i = 0; i < outputSize; i++)
        {
            double center = (i + 0.5) * scale;
            int first = Math.Max((int)(center - support + 0.5), 0);
            int end = Math.Min((int)(center + support + 0.5), inputSize);
            double[] weights = new double[end - first];
            for (int k = 0; k < weights.Length; k++)
            {
                weights[k] = Math.Max(0, 1 - Math.Abs((k + first - center + 0.5) * perPixel));
            }

            double sum = weights.Sum();
            windows[i] = new Window(first, [.. weights.Select(weight => (int)((weight / sum * (1 << PrecisionBits)) + 0.5))]);
        }

        return windows;
    }

    private readonly record struct Window(int First, int[] Weights)
    {
        public byte Apply(byte[] pixels, int offset, int stride)
        {
            int sum = 1 << (PrecisionBits - 1); // rounds to nearest
            for (int k = 0; k < Weights.Length; k++)
            {
                sum += pixels[offset + ((First + k) * stride)] * Weights[k];
            }

            return (byte)Math.Clamp(sum >> PrecisionBits, 0, 255);
        }
    }
}
