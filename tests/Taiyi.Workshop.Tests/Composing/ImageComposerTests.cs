using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Tests.Composing;

/// <summary>What the two styles do to a drawing of known edges: an opaque square with a margin on each side.</summary>
/// <remarks>A drawing's pixel x of 512 comes to lie at 25.6 + 0.9 x: a margin of 16 ends at 40, one of 156 at 166.</remarks>
public sealed class ImageComposerTests
{
    [Theory]
    [InlineData(512, 40, 16)]
    [InlineData(128, 10, 4)]
    public void A_sticker_is_the_drawing_with_a_white_outline_of_one_width(int size, int edge, int outline)
    {
        Image<Rgb24> sticker = new StickerComposer().Compose(Square(size, size / 32, 10, 120, 200), new Random(1), size);

        int[] white = [.. Enumerable.Range(0, edge - 1).Where(x => At(sticker, x, size / 2) == (255, 255, 255))]; // the pixel at the edge itself is mixed
        Assert.Equal(Enumerable.Range(edge - outline, outline - 1), white);
        foreach (int x in new[] { edge + 3, size / 2, size - edge - 4 })
        {
            (byte red, byte green, byte blue) = At(sticker, x, size / 2);
            Assert.InRange(red, 9, 11);
            Assert.InRange(green, 119, 121);
            Assert.InRange(blue, 199, 201);
        }
    }

    [Fact]
    public void The_interior_of_a_sticker_is_the_drawing_scaled_and_nothing_else()
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/subjects-512.zip"));
        Image<Rgba32> drawing = art.Read(art.Subjects.First(subject => subject.Label == "熊"));
        Image<Rgb24> sticker = new StickerComposer().Compose(drawing, new Random(3));

        List<double> differences = [];
        for (int y = 40; y < 472; y++)
        {
            for (int x = 40; x < 472; x++)
            {
                // The nearest pixel of the drawing, where it and those around it are opaque.
                int column = (int)((x + 0.5 - 25.6) / 0.9), row = (int)((y + 0.5 - 25.6) / 0.9);
                if (Enumerable.Range(-3, 7).All(d => Opacity(drawing, column + d, row) == 255 && Opacity(drawing, column, row + d) == 255))
                {
                    differences.Add(Math.Abs(sticker[x, y].R - (double)drawing[column, row].R));
                }
            }
        }

        Assert.True(differences.Count > 512 * 512 / 4, $"{differences.Count} pixels");
        Assert.InRange(differences.Average(), 0, 1.5); // edges within the drawing are a pixel off at most
    }

    [Fact]
    public void The_ground_of_a_sticker_is_pastel_and_there_are_several()
    {
        HashSet<(byte R, byte G, byte B)> grounds = [];
        for (int seed = 0; seed < 40; seed++)
        {
            Image<Rgb24> sticker = new StickerComposer().Compose(Square(64, 16, 0, 0, 0), new Random(seed), 64);
            (byte r, byte g, byte b) = At(sticker, 0, 0);
            int max = Math.Max(r, Math.Max(g, b)), min = Math.Min(r, Math.Min(g, b));
            Assert.True(max >= 0.9 * 255 && max - min <= 0.35 * max && max - min >= 0.08 * max, $"({r}, {g}, {b}) is no pastel: value 0.9 or more, saturation 0.08 to 0.35");
            grounds.Add((r, g, b));
        }

        Assert.InRange(grounds.Count, 5, 8);
    }

    [Fact]
    public void Accents_keep_away_from_the_sticker_and_from_the_border_and_have_no_room_beside_a_full_page()
    {
        bool HasAccent(Image<Rgb24> picture, Func<int, int, bool> where) => Enumerable.Range(0, 512 * 512).Any(i =>
            where(i % 512, i / 512) && At(picture, i % 512, i / 512) == (255, 255, 255));
        Image<Rgb24> free = new StickerComposer().Compose(Square(512, 156, 0, 0, 0), new Random(5)), full = new StickerComposer().Compose(Square(512, 0, 0, 0, 0), new Random(5));

        Assert.True(HasAccent(free, (x, y) => y < 140));                                        // the outline ends at 150
        Assert.False(HasAccent(free, (x, y) => Math.Min(Math.Min(x, y), Math.Min(511 - x, 511 - y)) < 5));
        Assert.False(HasAccent(full, (x, y) => y < 8));                                         // the outline ends at 9.6
    }

    [Fact]
    public void A_poster_has_a_border_of_paper_and_a_dark_line_of_eight_pixels()
    {
        Image<Rgb24> poster = new PosterComposer().Compose(Square(512, 156, 0, 0, 0), new Random(2));

        double[] brightness = [.. Enumerable.Range(0, 40).Select(x => Brightness(At(poster, x, 256)))];
        Assert.All(brightness[..20], value => Assert.InRange(value, 225, 255));
        Assert.All(brightness[20..28], value => Assert.InRange(value, 0, 70));
        Assert.All(brightness[28..], value => Assert.InRange(value, 100, 220));
    }

    [Theory]
    [InlineData(255, 0, 130)]   // a pale drawing before a deep sun
    [InlineData(0, 220, 255)]   // a dark one before paper
    public void The_sun_is_what_the_drawing_stands_out_from(byte grey, double min, double max)
    {
        Image<Rgb24> poster = new PosterComposer().Compose(Square(512, 156, grey, grey, grey), new Random(2));
        Assert.InRange(Brightness(At(poster, 256, 110)), min, max); // 146 from the middle: the sun's radius is 190, the drawing begins at 166
    }

    [Fact]
    public void The_seal_lies_below_right_unless_the_drawing_does()
    {
        (byte, byte, byte) cinnabar = (0xB3, 0x26, 0x1E);
        Assert.Equal(cinnabar, At(new PosterComposer().Compose(Square(512, 156, 0, 0, 0), new Random(2)), 426, 432));
        Assert.NotEqual(cinnabar, At(new PosterComposer().Compose(Square(512, 16, 0, 0, 0), new Random(2)), 426, 432));
    }

    [Fact]
    public void An_unknown_style_is_refused_with_the_known_ones()
    {
        Exception error = Assert.Throws<ArgumentException>(() => ImageComposer.Of("comic"));
        Assert.Contains("the styles are emoji, poster", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_too_small_to_show_anything_is_refused()
    {
        foreach (IImageComposer composer in ImageComposer.Names.Select(ImageComposer.Of))
        {
            Exception error = Assert.Throws<ArgumentOutOfRangeException>(() => composer.Compose(Square(64, 16, 0, 0, 0), new Random(1), 15));
            Assert.Contains("16 pixels or more", error.Message, StringComparison.Ordinal);
        }
    }

    private static Image<Rgba32> Square(int size, int margin, byte red, byte green, byte blue)
    {
        byte[] pixels = new byte[4 * size * size];
        for (int i = 0; i < size * size; i++)
        {
            (int y, int x) = Math.DivRem(i, size);
            bool inside = Math.Min(Math.Min(x, size - 1 - x), Math.Min(y, size - 1 - y)) >= margin;
            (pixels[4 * i], pixels[(4 * i) + 1], pixels[(4 * i) + 2], pixels[(4 * i) + 3]) = (red, green, blue, inside ? (byte)255 : (byte)0);
        }

        return Image.LoadPixelData<Rgba32>(pixels, size, size);
    }

    private static (byte R, byte G, byte B) At(Image<Rgb24> picture, int x, int y)
    {
        Rgb24 pixel = picture[x, y];
        return (pixel.R, pixel.G, pixel.B);
    }

    private static byte Opacity(Image<Rgba32> drawing, int x, int y) =>
        x >= 0 && y >= 0 && x < drawing.Width && y < drawing.Height ? drawing[x, y].A : (byte)0;

    private static double Brightness((byte R, byte G, byte B) color) => (0.299 * color.R) + (0.587 * color.G) + (0.114 * color.B);
}
