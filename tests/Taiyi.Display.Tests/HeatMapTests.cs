using System.Xml.Linq;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using static TorchSharp.torch;

namespace Taiyi.Display.Tests;

[NoTensorLeak]
public sealed class HeatMapTests
{
    [Fact]
    public void The_smallest_value_is_violet_and_the_largest_yellow()
    {
        using Tensor values = tensor(new float[] { 0, 2, 4 }, [1, 3]);

        HeatMap map = Images.HeatMap(values, "热图");

        Assert.Equal((0, 4), map.Range);
        Assert.Equal([0x44, 0x01, 0x54, 0x21, 0x91, 0x8C, 0xFD, 0xE7, 0x25], map.Image.Image.ToBytes()); // viridis at 0, 1/2, 1
        Assert.Equal(["4", "2", "0", "热图"], XElement.Parse(map.ToHtml()).Descendants("td").Where(cell => !cell.HasElements).Select(cell => cell.Value));
    }

    [Fact]
    public void Values_of_both_signs_are_blue_and_red_with_white_at_zero()
    {
        using Tensor values = tensor(new float[] { -1, 0, 2 }, [1, 3]);

        HeatMap map = Images.HeatMap(values);

        Assert.Equal((-2, 2), map.Range);
        Assert.Equal([0xF7, 0xF7, 0xF7, 0xB2, 0x18, 0x2B], map.Image.Image.ToBytes()[3..]);
        Assert.Equal((-1, 2), Images.HeatMap(values, colors: ColorMap.Viridis).Range);
    }

    [Fact]
    public void A_colour_between_two_of_the_table_is_blended()
    {
        // A sixteenth of the way lies halfway between the first two colours: (0x44 + 0x47) / 2 = 69.5, (1 + 45) / 2 = 23, (84 + 123) / 2 = 103.5
        Assert.Equal(((byte)70, (byte)23, (byte)104), ColorMap.Viridis.At(1.0 / 16));
        Assert.Equal(ColorMap.Viridis.At(1), ColorMap.Viridis.At(7));
        Assert.Equal(ColorMap.Viridis.At(0), ColorMap.Viridis.At(double.NaN));
    }

    [Fact]
    public void The_difference_of_two_pictures_is_in_levels()
    {
        using Tensor black = Samples.Flat(2, 2, -1);
        using Tensor white = Samples.Flat(2, 2, 1);

        HeatMap same = Images.Difference(black, black);
        HeatMap all = Images.Difference(black, white);

        Assert.Contains("mean 0, largest 0 of 255", same.ToText(), StringComparison.Ordinal);
        Assert.Contains("mean 255, largest 255 of 255", all.ToText(), StringComparison.Ordinal);
        using Tensor small = Samples.Flat(1, 1, 0);
        Assert.Contains("2 x 2 and 1 x 1", Assert.Throws<ArgumentException>(() => Images.Difference(black, small)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Heat_over_a_picture_glows_where_the_heat_is()
    {
        using Tensor grey = Samples.Flat(4, 4, 0);
        using Tensor heat = tensor(new float[] { 1, 0, 0, 0 }, [2, 2]);

        Image<Rgb24> image = Images.Overlay(grey, heat, "猫").Image;

        // Hot: a quarter of grey 128 and three quarters of inferno's last colour (252, 255, 164); cold: 0.65 of 128 and 0.35 of (0, 0, 4).
        Assert.Equal([221, 223, 155], image.ToBytes()[..3]);
        Assert.Equal([83, 83, 85], image.ToBytes()[^3..]);
        Assert.Equal((4, 4), (image.Width, image.Height));
    }

    [Fact]
    public void Under_heat_a_picture_is_grey_and_two_maps_may_share_a_scale()
    {
        using var scope = NewDisposeScope();
        Tensor red = tensor(new float[] { 1, -1, -1 }).view(3, 1, 1).expand(3, 2, 2).contiguous();
        Tensor cold = zeros(2, 2), half = full(2, 2, 0.5f);

        byte[] under = Images.Overlay(red, cold).Image.ToBytes();

        // 0.65 of the luma 0.299 * 255 and 0.35 of (0, 0, 4)
        Assert.Equal([50, 50, 51], under[..3]);
        Assert.NotEqual(Images.Overlay(red, half).Image.ToBytes(), Images.Overlay(red, half, brightest: 1).Image.ToBytes());
    }

    [Fact]
    public void The_channels_of_latents_share_one_scale_around_zero()
    {
        using var scope = NewDisposeScope();
        Tensor latents = stack([full(2, 2, 1f), full(2, 2, -4f)]).unsqueeze(0); // (1, 2, 2, 2)

        Row row = Images.Channels(latents);

        Assert.Equal(2, row.Views.Count);
        Assert.All(row.Views, view => Assert.Equal((-4, 4), ((HeatMap)view).Range));
    }

    [Fact]
    public void Only_a_matrix_has_a_heat_map()
    {
        using Tensor cube = zeros(2, 2, 2);

        Assert.Contains("(2, 2, 2)", Assert.Throws<ArgumentException>(() => Images.HeatMap(cube)).Message, StringComparison.Ordinal);
    }
}
