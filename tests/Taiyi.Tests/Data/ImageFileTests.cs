using SkiaSharp;
using Taiyi.Data;
using TorchSharp;

namespace Taiyi.Tests.Data;

public sealed class ImageFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-pictures-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Webp)]
    public void Each_format_gives_its_colours(SKEncodedImageFormat format)
    {
        RgbImage image = ImageFile.Decode(TestPictures.Quadrants(format), "quadrants");

        Assert.Equal("RGBY", CornersOf(image));
    }

    [Fact]
    public void A_bmp_is_read_bottom_row_last_and_red_first()
    {
        RgbImage image = ImageFile.Decode(TestPictures.Bmp(), "hand.bmp");

        Assert.Equal((2, 2), (image.Width, image.Height));
        Assert.Equal([70, 80, 90, 100, 110, 120, 10, 20, 30, 40, 50, 60], image.Pixels);
    }

    // EXIF 2.3: what the stored picture RG/BY (red, green above blue, yellow) looks like when it is held upright.
    [Theory]
    [InlineData(1, "RGBY")]
    [InlineData(2, "GRYB")]
    [InlineData(3, "YBGR")]
    [InlineData(4, "BYRG")]
    [InlineData(5, "RBGY")]
    [InlineData(6, "BRYG")]
    [InlineData(7, "YGBR")]
    [InlineData(8, "GYRB")]
    public void Exif_orientation_is_applied(byte orientation, string corners)
    {
        byte[] jpeg = TestPictures.WithOrientation(TestPictures.Quadrants(SKEncodedImageFormat.Jpeg), orientation);

        Assert.Equal(corners, CornersOf(ImageFile.Decode(jpeg, "turned.jpg")));
    }

    [Theory]
    [InlineData(0, 255, 255)]
    [InlineData(255, 200, 0)]
    [InlineData(51, 244, 204)] // a fifth of (200, 0, 0) over four fifths of white
    public void Alpha_is_laid_on_white(byte opacity, byte red, byte green)
    {
        RgbImage image = ImageFile.Decode(TestPictures.Transparent(opacity), "alpha.png");

        Assert.Equal([200, 0, 0, red, green, green], image.Pixels);
    }

    [Fact]
    public void Alpha_can_be_dropped_as_pillow_does()
    {
        RgbImage image = ImageFile.Decode(TestPictures.Transparent(7), "alpha.png", AlphaHandling.Drop);

        Assert.Equal([200, 0, 0, 200, 0, 0], image.Pixels);
    }

    [Fact]
    public void A_grey_and_a_palette_picture_have_three_channels()
    {
        RgbImage grey = ImageFile.Read(Repository.Golden("image_preprocess/small_grey.png"));
        RgbImage palette = ImageFile.Read(Repository.Golden("image_preprocess/palette.png"));

        Assert.Equal(3 * 50 * 41, grey.Pixels.Length);
        Assert.All(grey.Pixels.Chunk(3), pixel => Assert.True(pixel[0] == pixel[1] && pixel[1] == pixel[2]));
        Assert.Equal(3 * 120 * 81, palette.Pixels.Length);
    }

    [Theory]
    [InlineData("missing.png", null, "does not exist")]
    [InlineData("empty.png", 0, "is empty")]
    [InlineData("cut.png", 1000, "is cut off")]
    [InlineData("header.png", 20, "is not a picture")]
    public void A_broken_file_is_named_in_one_sentence(string name, int? length, string problem)
    {
        string path = Path.Combine(_folder, name);
        if (length is int bytes)
        {
            File.WriteAllBytes(path, File.ReadAllBytes(Repository.Golden("image_preprocess/palette.png"))[..bytes]);
        }

        ImageFileException error = Assert.Throws<ImageFileException>(() => ImageFile.Read(path));

        Assert.Equal(path, error.Path);
        Assert.StartsWith($"'{path}' {problem}", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_jpeg_that_is_cut_off_is_refused()
    {
        byte[] jpeg = File.ReadAllBytes(Repository.Golden("image_preprocess/photo.jpg"));

        Assert.Throws<ImageFileException>(() => ImageFile.Decode(jpeg[..(jpeg.Length / 2)], "half.jpg"));
    }

    [Fact]
    public void A_text_file_is_no_picture()
    {
        Exception error = Assert.Throws<ImageFileException>(() => ImageFile.Decode("一只狮子"u8.ToArray(), "lion.png"));

        Assert.StartsWith("'lion.png' is not a picture in PNG, JPEG, WebP or BMP format", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [NoTensorLeak]
    public void A_png_keeps_pixels_and_chinese_text()
    {
        string path = Path.Combine(_folder, "new", "picture.png");
        Dictionary<string, string> text = new() { ["parameters"] = "一只狮子，卡通风格\nSteps: 25", ["Software"] = "Taiyi" };
        RgbImage picture = ImageFile.Read(Repository.Golden("image_preprocess/wide_rgb.png"));
        using torch.Tensor tensor = picture.ToTensor();

        ImageFile.WritePng(path, tensor, text);

        Assert.Equal(picture.Pixels, ImageFile.Read(path).Pixels);
        Assert.Equal(text, ImageFile.ReadText(path));
        Assert.Equal(["picture.png"], Directory.GetFiles(Path.GetDirectoryName(path)!).Select(Path.GetFileName));
    }

    [Fact]
    public void The_checksum_of_a_text_chunk_is_that_of_the_specification()
    {
        byte[] png = ImageFile.EncodePng(new RgbImage(1, 1, [1, 2, 3]), new Dictionary<string, string> { ["a"] = "b" });

        // length 3, "tEXt", "a\0b", and their CRC-32 as zlib computes it
        byte[] chunk = [0, 0, 0, 3, .. "tEXta\0b"u8, 0xDC, 0x49, 0xA2, 0x3B];
        Assert.Equal(chunk, png[33..(33 + chunk.Length)]);
    }

    [Theory]
    [InlineData(2, 4, 4)]
    [InlineData(1, 3, 4)]
    public void A_tensor_of_another_shape_is_refused(params int[] shape)
    {
        using torch.Tensor tensor = torch.zeros([.. shape.Select(size => (long)size)]);

        Exception error = Assert.Throws<ArgumentException>(() => ImageFile.EncodePng(tensor));

        Assert.Contains($"got ({string.Join(", ", shape)})", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_with_nan_is_refused()
    {
        using torch.Tensor tensor = torch.full([3, 2, 2], float.NaN);

        Exception error = Assert.Throws<ArgumentException>(() => ImageFile.EncodePng(tensor));

        Assert.Contains("not numbers (NaN)", error.Message, StringComparison.Ordinal);
    }

    // The nearest of the four colours in the middle of each quadrant, in reading order.
    private static string CornersOf(RgbImage image)
    {
        (char Name, SKColor Color)[] colors =
            [('R', TestPictures.Red), ('G', TestPictures.Green), ('B', TestPictures.Blue), ('Y', TestPictures.Yellow)];
        string corners = "";
        foreach ((int x, int y) in new[] { (8, 8), (24, 8), (8, 24), (24, 24) })
        {
            ReadOnlySpan<byte> pixel = image.Pixels.AsSpan(3 * ((y * image.Width) + x), 3);
            (int r, int g, int b) = (pixel[0], pixel[1], pixel[2]);
            corners += colors.MinBy(c => Math.Abs(c.Color.Red - r) + Math.Abs(c.Color.Green - g) + Math.Abs(c.Color.Blue - b)).Name;
        }

        return corners;
    }
}
