using Taiyi.Data;

namespace Taiyi.Tests.Data;

public sealed class RgbaImageTests
{
    [Fact]
    public void A_drawing_is_laid_on_a_ground_and_cut_off_at_its_edge()
    {
        RgbaImage drawing = new(2, 1, [200, 100, 0, 255, 200, 100, 0, 51]);
        RgbImage ground = new(2, 2, [10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);

        Assert.Equal([10, 10, 10, 10, 10, 10, 200, 100, 0, 48, 28, 8], drawing.Over(ground, 0, 1).Pixels); // a fifth of (200, 100, 0), four fifths of 10
        Assert.Equal([48, 28, 8, 10, 10, 10, 10, 10, 10, 10, 10, 10], drawing.Over(ground, -1, 0).Pixels);
        Assert.Equal(ground.Pixels, drawing.Over(ground, 5, 5).Pixels);
    }

    [Fact]
    public void Transparent_pixels_lend_no_colour_when_a_drawing_shrinks()
    {
        RgbaImage drawing = new(2, 1, [200, 100, 0, 255, 0, 0, 255, 0]); // the second is blue and invisible

        // Half of the red times its opacity is 100, half of the opacity 127.5, rounded to 128: red comes back as 100 * 255 / 128 = 199.
        Assert.Equal([199, 100, 0, 128], drawing.Resize(1, 1).Pixels);
    }

    [Fact]
    public void Pixels_of_another_size_are_refused()
    {
        Exception error = Assert.Throws<ArgumentException>(() => new RgbaImage(2, 2, new byte[12]));

        Assert.Contains("2 x 2 has 16 bytes of RGBA, got 12", error.Message, StringComparison.Ordinal);
    }
}
