using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Evaluation;

/// <summary>How well a LoRA teaches a style: mean and deviation over seeds.</summary>
/// <param name="SubjectsKept">Share of subjects that are still those of the base's pictures with the same prompt and seed: <see cref="SubjectStatistics.Kept"/>.</param>
/// <param name="DistanceToOwnSet">From its pictures to the training set: <see cref="StyleStatistics.DistanceTo"/>.</param>
/// <param name="DistanceToOtherSet">From its pictures to the other style's training set.</param>
/// <param name="Lead">By how much the own set is nearer than the other.</param>
public sealed record StyleScore(MeanAndDeviation SubjectsKept, MeanAndDeviation DistanceToOwnSet, MeanAndDeviation DistanceToOtherSet, MeanAndDeviation Lead)
{
    /// <summary>Compares pictures with the base's and with two training sets.</summary>
    /// <param name="references">The base's pictures at the size that the model was trained at, a list of all subjects for each seed.</param>
    /// <param name="pictures">Pictures of the same subjects with the LoRA, for the same seeds.</param>
    /// <param name="own">The set that the LoRA was trained on.</param>
    /// <param name="other">Another style's set.</param>
    /// <exception cref="ArgumentException">The two have different numbers of seeds or subjects, or fewer than two subjects.</exception>
    public static StyleScore Of(
        IReadOnlyList<IReadOnlyList<Image<Rgb24>>> references, IReadOnlyList<IReadOnlyList<Image<Rgb24>>> pictures, StyleStatistics own, StyleStatistics other)
    {
        if (references.Count != pictures.Count)
        {
            throw new ArgumentException($"Pictures of {pictures.Count} seeds can't be compared with those of {references.Count}: draw both with the same seeds.");
        }

        StyleStatistics[] drawn = [.. pictures.Select(StyleStatistics.Of)];
        double[] toOwn = [.. drawn.Select(statistics => statistics.DistanceTo(own))], toOther = [.. drawn.Select(statistics => statistics.DistanceTo(other))];
        return new StyleScore(
            MeanAndDeviation.Of([.. references.Zip(pictures, SubjectStatistics.Kept)]),
            MeanAndDeviation.Of(toOwn),
            MeanAndDeviation.Of(toOther),
            MeanAndDeviation.Of([.. toOther.Zip(toOwn, (far, near) => far - near)]));
    }
}
