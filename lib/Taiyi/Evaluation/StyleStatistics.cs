using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Evaluation;

/// <summary>
/// Two simple numbers of a style that need no network: which colours lie along the border of a set's pictures, and where and
/// how densely they have edges. The distance between two sets says whether they look alike, subjects aside.
/// </summary>
/// <remarks>Every picture is looked at in 64 x 64 pixels, so that large training pictures compare with small drawn ones.</remarks>
public sealed class StyleStatistics
{
    private const int Side = 64, BorderWidth = 8, Levels = 8, Cells = 4;
    private const double EdgeThreshold = 24; // levels of brightness, of 255, between two neighbouring pixels

    private StyleStatistics(double[] borderColours, double[] edgeDensity) => (BorderColours, EdgeDensity) = (borderColours, edgeDensity);

    /// <summary>Share of each of 8 x 8 x 8 colours among the pixels in the outermost eighth of all pictures; 512 numbers, sum 1.</summary>
    public IReadOnlyList<double> BorderColours { get; }

    /// <summary>Share of the pixels at an edge, in each cell of a 4 x 4 grid over all pictures; 16 numbers in [0, 1].</summary>
    public IReadOnlyList<double> EdgeDensity { get; }

    /// <summary>The statistics of a set of pictures.</summary>
    /// <param name="pictures">One or more, of any size.</param>
    public static StyleStatistics Of(IEnumerable<Image<Rgb24>> pictures)
    {
        double[] colours = new double[Levels * Levels * Levels], edges = new double[Cells * Cells];
        foreach (Image<Rgb24> picture in pictures)
        {
            using Image<Rgb24> resized = ImagePreprocessing.Resize(picture, Side, Side);
            byte[] small = resized.ToBytes();
            CountBorder(small, colours);
            CountEdges(small, edges);
        }

        double border = colours.Sum(), perCell = border * Side * Side / BorderPixels / (Cells * Cells);
        return border > 0
            ? new StyleStatistics([.. colours.Select(count => count / border)], [.. edges.Select(count => count / perCell)])
            : throw new ArgumentException("Statistics need at least one picture.");
    }

    /// <summary>
    /// 0 for equal statistics, 1 where two sets share no colour and no edge: the mean of the histograms' total variation
    /// ½ Σ |a - b| and the edge densities' Bray-Curtis distance Σ |a - b| / Σ (a + b).
    /// </summary>
    public double DistanceTo(StyleStatistics other)
    {
        double colours = 0.5 * AbsoluteDifference(BorderColours, other.BorderColours);
        double total = EdgeDensity.Sum() + other.EdgeDensity.Sum();
        double edges = total > 0 ? AbsoluteDifference(EdgeDensity, other.EdgeDensity) / total : 0;
        return (colours + edges) / 2;
    }

    private static int BorderPixels => Side * Side - (Side - 2 * BorderWidth) * (Side - 2 * BorderWidth);

    private static double AbsoluteDifference(IReadOnlyList<double> a, IReadOnlyList<double> b) => a.Zip(b, (x, y) => Math.Abs(x - y)).Sum();

    private static void CountBorder(byte[] picture, double[] colours)
    {
        for (int y = 0; y < Side; y++)
        {
            for (int x = 0; x < Side; x++)
            {
                if (Math.Min(Math.Min(x, y), Side - 1 - Math.Max(x, y)) < BorderWidth)
                {
                    ReadOnlySpan<byte> pixel = picture.AsSpan(3 * (y * Side + x), 3);
                    int Level(byte value) => value * Levels / 256;
                    colours[(Level(pixel[0]) * Levels + Level(pixel[1])) * Levels + Level(pixel[2])]++;
                }
            }
        }
    }

    private static void CountEdges(byte[] picture, double[] edges)
    {
        for (int y = 0; y < Side - 1; y++)
        {
            for (int x = 0; x < Side - 1; x++)
            {
                double here = Brightness(picture, x, y);
                double across = Brightness(picture, x + 1, y) - here, down = Brightness(picture, x, y + 1) - here;
                if (Math.Sqrt(across * across + down * down) > EdgeThreshold)
                {
                    edges[y * Cells / Side * Cells + x * Cells / Side]++;
                }
            }
        }
    }

    // Rec. 601 luma.
    private static double Brightness(byte[] picture, int x, int y)
    {
        ReadOnlySpan<byte> pixel = picture.AsSpan(3 * (y * Side + x), 3);
        return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    }
}
