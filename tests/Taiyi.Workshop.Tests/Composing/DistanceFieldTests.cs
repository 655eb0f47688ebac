using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Tests.Composing;

public sealed class DistanceFieldTests
{
    [Fact]
    public void Distances_from_a_pixel_are_those_of_pythagoras()
    {
        DistanceField field = DistanceField.Of(Pixels(8, (1, 1)), 8);

        Assert.Equal(0, field.At(1, 1));
        Assert.Equal(6, field.At(1, 7));
        Assert.Equal(5, field.At(4, 5)); // 3 to the right, 4 down
    }

    [Fact]
    public void The_nearest_of_several_pixels_counts_and_faint_ones_do_not()
    {
        byte[] opacity = Pixels(8, (0, 0), (7, 7));
        opacity[3] = 127; // less than half
        DistanceField field = DistanceField.Of(opacity, 8);

        Assert.Equal(3, field.At(3, 0));
        Assert.Equal(MathF.Sqrt(8), field.At(5, 5)); // 2 and 2 from the second
    }

    [Fact]
    public void A_border_of_two_pixels_covers_two_and_is_soft_where_it_is_round()
    {
        byte[] wide = DistanceField.Of(Pixels(8, (1, 1)), 8).Widen(2);

        Assert.Equal([255, 255, 255, 255, 0], wide[8..13]);  // row 1: pixels 0 to 3, of which 1 is the shape
        Assert.Equal(195, wide[(3 * 8) + 2]);                // √5 away: 255 (2 + 1 - 2.236)
    }

    private static byte[] Pixels(int size, params (int X, int Y)[] shape)
    {
        byte[] opacity = new byte[size * size];
        foreach ((int x, int y) in shape)
        {
            opacity[(y * size) + x] = 255;
        }

        return opacity;
    }
}
