using System.Numerics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Tests.Pretraining;

/// <summary>Colours, grounds and the laying of drawings on them, in numbers by hand.</summary>
public sealed class PictureVariationTests
{
    private const int Side = 16;

    [Theory]
    [InlineData(1, 0, 0, "红色")]
    [InlineData(1, 0.5f, 0, "橙色")]
    [InlineData(1, 1, 0, "黄色")]
    [InlineData(0, 0.8f, 0, "绿色")]
    [InlineData(0, 1, 1, "青色")]
    [InlineData(0, 0, 1, "蓝色")]
    [InlineData(0.5f, 0, 1, "紫色")]
    [InlineData(1, 0.75f, 0.8f, "粉色")]
    [InlineData(0.45f, 0.27f, 0.1f, "棕色")]
    [InlineData(1, 1, 1, "白色")]
    [InlineData(0.5f, 0.5f, 0.5f, "灰色")]
    [InlineData(0, 0, 0, "黑色")]
    public void Colours_have_their_names(float red, float green, float blue, string name) =>
        Assert.Equal(name, Colour.FromRgb(red, green, blue).Name);

    [Fact]
    public void Hue_saturation_and_value_lead_back_to_the_same_colour()
    {
        Random random = new(1);
        for (int i = 0; i < 100; i++)
        {
            Vector4 rgb = new(random.NextSingle(), random.NextSingle(), random.NextSingle(), 1);
            Vector4 back = Colour.FromRgb(rgb.X, rgb.Y, rgb.Z).ToRgb();
            Assert.True((rgb - back).Length() < 1e-5, $"{rgb} became {back}");
        }

        Vector4 turned = Colour.FromRgb(1, 0, 0).Turn(120).ToRgb(); // red a third of the circle on is green
        Assert.True((turned - new Vector4(0, 1, 0, 1)).Length() < 1e-5, $"red became {turned}");
    }

    [Fact]
    public void A_drawing_at_half_its_size_covers_its_place_alone()
    {
        Vector4[] canvas = White();
        Red(32).Draw(canvas, Side, new Placement(0.25f, 0.5f, 0.5f), mirrored: false, hueTurn: 0);
        for (int i = 0; i < canvas.Length; i++)
        {
            (int x, int y) = (i % Side, i / Side);
            bool inside = x < 8 && y is >= 4 and < 12;
            bool edge = x is 0 or 7 || y is 4 or 11; // half a triangle reaches beyond the drawing
            Assert.True(edge || canvas[i] == (inside ? new Vector4(1, 0, 0, 1) : Vector4.One), $"({x}, {y}) is {canvas[i]}");
        }
    }

    [Fact]
    public void A_mirrored_drawing_has_its_left_half_on_the_right()
    {
        byte[] pixels = new byte[4 * 16 * 16];
        for (int i = 0; i < 16 * 16; i++)
        {
            pixels[4 * i] = 255;
            pixels[(4 * i) + 3] = (byte)(i % 16 < 8 ? 255 : 0); // opaque on the left
        }

        using Image<Rgba32> drawing = Image.LoadPixelData<Rgba32>(pixels, 16, 16);
        ArtSprite sprite = new(drawing, 16);
        (Vector4[] plain, Vector4[] mirrored) = (White(), White());
        sprite.Draw(plain, Side, new Placement(0.5f, 0.5f, 1), mirrored: false, hueTurn: 0);
        sprite.Draw(mirrored, Side, new Placement(0.5f, 0.5f, 1), mirrored: true, hueTurn: 0);
        Assert.Equal(new Vector4(1, 0, 0, 1), plain[(8 * Side) + 2]);
        Assert.Equal(Vector4.One, plain[(8 * Side) + 13]);
        for (int i = 0; i < plain.Length; i++)
        {
            Assert.Equal(plain[i], mirrored[(i / Side * Side) + Side - 1 - (i % Side)]);
        }
    }

    [Fact]
    public void A_picture_is_said_to_be_small_outlined_or_framed_only_where_it_is()
    {
        PictureVariation small = PictureVariation.Original with { Placement = new Placement(0.5f, 0.5f, 0.7f) };
        PictureVariation outlined = PictureVariation.Original with { Outline = 0.03f };
        PictureVariation framed = PictureVariation.Original with { Frame = PictureFrame.Draw(new Random(1)) };
        Assert.Equal(("", "", ""), Words(PictureVariation.Original));
        Assert.Equal(("小", "", ""), Words(small));
        Assert.Equal(("", "白色描边", ""), Words(outlined));
        Assert.Equal(("", "", "边框"), Words(framed));

        static (string, string, string) Words(PictureVariation variation) => (variation.SizeWords, variation.OutlineWords, variation.FrameWords);
    }

    [Fact]
    public void An_outline_is_as_wide_as_its_radius_and_leaves_the_rest_of_the_ground()
    {
        Vector4 blue = new(0, 0, 1, 1);
        Vector4[] canvas = [.. Enumerable.Repeat(blue, Side * Side)], drawing = new Vector4[Side * Side];
        drawing[(8 * Side) + 8] = new Vector4(1, 0, 0, 1); // a single opaque pixel
        PictureOutline.Draw(canvas, drawing, Side, radius: 3);
        for (int i = 0; i < canvas.Length; i++)
        {
            double away = Math.Sqrt(Math.Pow((i % Side) - 8, 2) + Math.Pow((i / Side) - 8, 2));
            float white = (float)Math.Clamp(3.5 - away, 0, 1); // softened over the pixel at the edge
            Assert.True((canvas[i] - Vector4.Lerp(blue, Vector4.One, white)).Length() < 1e-5, $"{away:f2} pixels away: {canvas[i]}");
        }
    }

    [Fact]
    public void A_frame_is_a_band_along_the_edge_and_a_line_inside_it()
    {
        Colour band = new(0, 0, 1), line = new(240, 1, 1);
        Vector4[] canvas = [.. Enumerable.Repeat(new Vector4(0, 1, 0, 1), Side * Side)];
        new PictureFrame(band, 2f / Side, line, 1f / Side).Draw(canvas, Side);
        Vector4[] row = canvas[(8 * Side)..(9 * Side)];
        Assert.Equal([Vector4.One, Vector4.One, new Vector4(0, 0, 1, 1), new Vector4(0, 1, 0, 1)], row[..4]);
        Assert.Equal([new Vector4(0, 0, 1, 1), Vector4.One, Vector4.One], row[^3..]);
        Assert.Equal(Vector4.One, canvas[0]);
    }

    [Fact]
    public void Plain_grounds_are_of_the_colour_that_their_words_say()
    {
        Random random = new(5);
        Vector4[] pixels = new Vector4[Side * Side];
        for (int i = 0; i < 500; i++)
        {
            PictureGround ground = PictureGround.Draw(random);
            ground.Fill(pixels, Side);
            if (ground.Kind == GroundKind.Plain)
            {
                Assert.All(pixels, pixel => Assert.Equal(pixels[0], pixel));
                Assert.Contains(Colour.FromRgb(pixels[0].X, pixels[0].Y, pixels[0].Z).Name, ground.Words(random));
            }
        }
    }

    private static Vector4[] White() => [.. Enumerable.Repeat(Vector4.One, Side * Side)];

    private static ArtSprite Red(int side)
    {
        byte[] pixels = new byte[4 * side * side];
        for (int i = 0; i < pixels.Length; i += 4)
        {
            (pixels[i], pixels[i + 3]) = (255, 255);
        }

        using Image<Rgba32> drawing = Image.LoadPixelData<Rgba32>(pixels, side, side);
        return new ArtSprite(drawing, side);
    }
}
