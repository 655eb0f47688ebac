using Taiyi.Data;

namespace Taiyi.Training;

/// <summary>
/// Whether pictures in a style still show their subjects, without a network that names things: what all pictures of a set share
/// is its style, what a picture has beyond that is its subject. The counterpart of <see cref="StyleStatistics"/>.
/// </summary>
public static class SubjectStatistics
{
    private const int Side = 16, Border = 2; // the outermost eighth is ground, frame and outline

    /// <summary>
    /// The share of pictures whose subject is more like that of its own reference than like that of any other: 1 if all subjects
    /// are kept, about 1 / N if none is.
    /// </summary>
    /// <remarks>
    /// Every picture is looked at in 16 x 16 pixels without its border, less the mean picture of its own set; likeness is the
    /// cosine of the angle between what is left.
    /// </remarks>
    /// <param name="references">N pictures of N different subjects, 2 or more, such as the base model's.</param>
    /// <param name="pictures">N pictures that should show the same subjects in the same order, drawn with the same seeds.</param>
    /// <exception cref="ArgumentException">There are fewer than two pictures, or not as many as references.</exception>
    public static double Kept(IReadOnlyList<RgbImage> references, IReadOnlyList<RgbImage> pictures)
    {
        if (references.Count < 2 || references.Count != pictures.Count)
        {
            throw new ArgumentException(
                $"Two or more references and as many pictures are needed, got {references.Count} and {pictures.Count}.", nameof(pictures));
        }

        double[][] originals = Subjects(references), drawn = Subjects(pictures);
        int kept = Enumerable.Range(0, drawn.Length).Count(i =>
        {
            double own = Cosine(drawn[i], originals[i]);
            return originals.Where((_, other) => other != i).All(other => own > Cosine(drawn[i], other));
        });
        return (double)kept / pictures.Count;
    }

    private static double[][] Subjects(IReadOnlyList<RgbImage> pictures)
    {
        double[][] inner = [.. pictures.Select(Inner)];
        double[] style = [.. Enumerable.Range(0, inner[0].Length).Select(k => inner.Average(picture => picture[k]))];
        return [.. inner.Select(picture => picture.Zip(style, (value, mean) => value - mean).ToArray())];
    }

    private static double[] Inner(RgbImage picture)
    {
        RgbImage small = ImagePreprocessing.Resize(picture, Side, Side).Crop(Border, Border, Side - 2 * Border, Side - 2 * Border);
        return [.. small.Pixels.Select(level => (double)level)];
    }

    // 0 for a picture that has nothing beyond its set's mean.
    private static double Cosine(double[] a, double[] b)
    {
        double Dot(double[] x, double[] y) => x.Zip(y, (p, q) => p * q).Sum();
        double lengths = Math.Sqrt(Dot(a, a) * Dot(b, b));
        return lengths > 0 ? Dot(a, b) / lengths : 0;
    }
}
