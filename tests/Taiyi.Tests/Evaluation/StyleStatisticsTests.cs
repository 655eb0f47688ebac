using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Evaluation;

namespace Taiyi.Tests.Evaluation;

public class StyleStatisticsTests
{
    [Fact]
    public void A_flat_white_picture_has_one_border_colour_and_no_edge()
    {
        StyleStatistics white = StyleStatistics.Of([Flat(64, 255, 255, 255)]);
        Assert.Equal(1, white.BorderColours[511], 1e-12); // the brightest of 8 levels in all three channels
        Assert.All(white.EdgeDensity, density => Assert.Equal(0, density));
    }

    [Fact]
    public void One_line_has_the_edges_that_can_be_counted_by_hand()
    {
        // Black left of column 32, white from it on: the pixels of column 31 see the jump, 63 of them (the last row has no neighbour below).
        using Image<Rgb24> half = Paint(64, (x, _) => x < 32 ? (byte)0 : (byte)255);
        double[] density = [.. StyleStatistics.Of([half]).EdgeDensity];
        Assert.Equal(16 / 256.0, density[1], 1e-12); // the cell of 16 x 16 pixels that holds rows 0-15 of column 31
        Assert.Equal(15 / 256.0, density[13], 1e-12);
        Assert.Equal(63 / 256.0, density.Sum(), 1e-12);
    }

    [Fact]
    public void Distance_is_0_for_equal_sets_half_for_other_colours_alone_and_does_not_depend_on_size()
    {
        StyleStatistics white = StyleStatistics.Of([Flat(64, 255, 255, 255)]), red = StyleStatistics.Of([Flat(64, 255, 0, 0)]);
        Assert.Equal(0, white.DistanceTo(StyleStatistics.Of([Flat(512, 255, 255, 255), Flat(64, 255, 255, 255)])), 1e-12);
        Assert.Equal(0.5, white.DistanceTo(red), 1e-12);
        Assert.Equal(white.DistanceTo(red), red.DistanceTo(white), 1e-12);
        Assert.Equal(0.25, StyleStatistics.Of([Flat(64, 255, 255, 255), Flat(64, 255, 0, 0)]).DistanceTo(red), 1e-12);
    }

    [Fact]
    public void The_two_training_sets_look_different_and_the_halves_of_one_alike()
    {
        Image<Rgb24>[] Read(string set, int remainder) =>
            [.. Directory.GetFiles(Repository.PathTo($"data/{set}/images")).Order(StringComparer.Ordinal).Where((_, i) => i % 4 == remainder).Select(path => ImageFile.Read(path))];
        StyleStatistics emoji = StyleStatistics.Of(Read("emoji", 0)), otherEmoji = StyleStatistics.Of(Read("emoji", 2)), poster = StyleStatistics.Of(Read("poster", 0));
        Assert.True(emoji.DistanceTo(poster) > 3 * emoji.DistanceTo(otherEmoji), $"{emoji.DistanceTo(poster):f3} between the sets, {emoji.DistanceTo(otherEmoji):f3} between halves of one");
    }

    [Fact]
    public void No_picture_has_no_statistics() => Assert.Throws<ArgumentException>(() => StyleStatistics.Of([]));

    private static Image<Rgb24> Flat(int size, byte red, byte green, byte blue) =>
        ImageConversion.FromBytes(size, size, [.. Enumerable.Repeat(new[] { red, green, blue }, size * size).SelectMany(pixel => pixel)]);

    private static Image<Rgb24> Paint(int size, Func<int, int, byte> grey)
    {
        byte[] pixels = new byte[3 * size * size];
        for (int i = 0; i < pixels.Length; i++)
        {
            pixels[i] = grey(i / 3 % size, i / 3 / size);
        }

        return ImageConversion.FromBytes(size, size, pixels);
    }
}
