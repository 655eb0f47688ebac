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
    public void Words_of_place_and_size_fit_the_placement()
    {
        Assert.Equal(("小", "左边"), Words(new Placement(0.3f, 0.5f, 0.5f)));
        Assert.Equal(("", "右下角"), Words(new Placement(0.65f, 0.65f, 0.7f)));
        Assert.Equal(("", "上面"), Words(new Placement(0.5f, 0.35f, 0.7f)));
        Assert.Equal(("大", ""), Words(new Placement(0.5f, 0.5f, 1.3f)));
        Assert.Equal(("", ""), Words(new Placement(0.5f, 0.5f, 1)));

        static (string, string) Words(Placement placement)
        {
            PictureVariation variation = new(PictureGround.White, [placement], Mirrored: false, HueTurn: 0);
            return (variation.SizeWords, variation.PlaceWords);
        }
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
