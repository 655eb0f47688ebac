using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Evaluation;

namespace Taiyi.Tests.Evaluation;

public sealed class StyleScoreTests
{
    // White pictures with a black square at the left or at the right of their middle.
    private static readonly Image<Rgb24> Left = Square(18), Right = Square(34);

    [Fact]
    public void Mean_and_deviation_are_those_of_a_sample()
    {
        MeanAndDeviation three = MeanAndDeviation.Of([1, 2, 3]); // deviations -1, 0, 1: √(2 / 2)
        Assert.Equal((2, 1), (three.Mean, three.Deviation));
        Assert.Equal((5, 0), (MeanAndDeviation.Of([5]).Mean, MeanAndDeviation.Of([5]).Deviation));
        Assert.Equal("2.0 ± 1.0", three.ToString("f1"));
        Assert.Throws<ArgumentException>(() => MeanAndDeviation.Of([]));
    }

    [Fact]
    public void One_seed_that_keeps_both_subjects_and_one_that_exchanges_them_keep_half()
    {
        // Nothing in common with the other set: no colour of the border, no edge.
        StyleStatistics own = StyleStatistics.Of([Left, Right]), other = StyleStatistics.Of([Flat(255, 0, 0)]);
        StyleScore score = StyleScore.Of([[Left, Right], [Left, Right]], [[Left, Right], [Right, Left]], own, other);

        Assert.Equal(0.5, score.SubjectsKept.Mean, 1e-12);
        Assert.Equal(Math.Sqrt(0.5), score.SubjectsKept.Deviation, 1e-12); // of 1 and 0
        Assert.Equal(0, score.DistanceToOwnSet.Mean, 1e-12);
        Assert.Equal(1, score.DistanceToOtherSet.Mean, 1e-12);
        Assert.Equal((1, 0), (score.Lead.Mean, score.Lead.Deviation));
    }

    [Fact]
    public void Other_numbers_of_seeds_are_refused()
    {
        StyleStatistics white = StyleStatistics.Of([Left]);
        Exception error = Assert.Throws<ArgumentException>(() => StyleScore.Of([[Left, Right]], [[Left, Right], [Left, Right]], white, white));
        Assert.Contains("2 seeds can't be compared with those of 1", error.Message, StringComparison.Ordinal);
    }

    private static Image<Rgb24> Square(int left) => Paint((x, y) => x >= left && x < left + 12 && y is >= 26 and < 38 ? (0, 0, 0) : (255, 255, 255));

    private static Image<Rgb24> Flat(byte red, byte green, byte blue) => Paint((_, _) => (red, green, blue));

    private static Image<Rgb24> Paint(Func<int, int, (int R, int G, int B)> colour) =>
        ImageConversion.FromBytes(64, 64, [.. Enumerable.Range(0, 64 * 64).Select(i => colour(i % 64, i / 64)).SelectMany(rgb => new[] { (byte)rgb.R, (byte)rgb.G, (byte)rgb.B })]);
}
