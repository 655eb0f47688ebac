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
    /// <param name="pixels">Rows of pixels, each of so many channels.</param>
    /// <param name="channels">Bytes of a pixel.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="newWidth">Pixels in a row of the result.</param>
    /// <param name="newHeight">Rows of the result.</param>
    public static byte[] Resize(byte[] pixels, int channels, int width, int height, int newWidth, int newHeight)
    {
        byte[] wide = newWidth == width ? pixels : ResizeWidth(pixels, channels, width, newWidth);
        return newHeight == height ? wide : ResizeHeight(wide, channels * newWidth, newHeight);
    }

    private static byte[] ResizeWidth(byte[] pixels, int channels, int width, int newWidth)
    {
        Window[] windows = Windows(width, newWidth);
        int height = pixels.Length / (channels * width);
        byte[] result = new byte[channels * newWidth * height];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < newWidth; x++)
            {
                for (int c = 0; c < channels; c++)
                {
                    result[(channels * ((y * newWidth) + x)) + c] = windows[x].Apply(pixels, (channels * y * width) + c, channels);
                }
            }
        }

        return result;
    }

    private static byte[] ResizeHeight(byte[] pixels, int stride, int newHeight)
    {
        Window[] windows = Windows(pixels.Length / stride, newHeight);
        byte[] result = new byte[stride * newHeight];
        for (int y = 0; y < newHeight; y++)
        {
            for (int i = 0; i < stride; i++)
            {
                result[(y * stride) + i] = windows[y].Apply(pixels, i, stride);
            }
        }

        return result;
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
