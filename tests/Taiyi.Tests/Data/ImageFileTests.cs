using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using TorchSharp;

namespace Taiyi.Tests.Data;

public sealed class ImageFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-pictures-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    [InlineData("webp")]
    [InlineData("lossless.webp")]
    [InlineData("bmp")]
    public void Each_format_gives_its_colours(string format)
    {
        using Image<Rgb24> image = ImageFile.Decode(TestPictures.Quadrants(format), "quadrants");

        Assert.Equal("RGBY", CornersOf(image));
    }

    [Fact]
    public void A_bmp_is_read_bottom_row_last_and_red_first()
    {
        using Image<Rgb24> image = ImageFile.Decode(TestPictures.Bmp(), "hand.bmp");

        Assert.Equal((2, 2), (image.Width, image.Height));
        Assert.Equal([70, 80, 90, 100, 110, 120, 10, 20, 30, 40, 50, 60], image.ToBytes());
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
    public void Exif_orientation_is_applied_in_every_container(byte orientation, string corners)
    {
        foreach (string format in new[] { "jpg", "png", "webp", "lossless.webp" })
        {
            using Image<Rgb24> image = ImageFile.Decode(TestPictures.WithOrientation(format, orientation), format);

            Assert.Equal((format, corners), (format, CornersOf(image)));
        }
    }

    [Theory]
    [InlineData("gif", "is a GIF picture")]
    [InlineData("tiff", "is a TIFF picture")]
    public void A_format_that_is_not_read_is_refused_by_name(string format, string problem)
    {
        byte[] file = TestPictures.Quadrants(format);

        ImageFileException error = Assert.Throws<ImageFileException>(() => ImageFile.Decode(file, "lion.png"));

        Assert.Equal($"'lion.png' {problem}; PNG, JPEG, WebP and BMP are read: save it as one of these.", error.Message);
        Assert.Throws<UnknownImageFormatException>(() => Image.Load(ImageFormats.Configuration, file)); // no decoder is reached
    }

    [Fact]
    public void A_heic_file_is_refused_by_name()
    {
        byte[] start = [0, 0, 0, 24, .. "ftypheic"u8, 0, 0, 0, 0, .. "mif1heic"u8]; // ISO/IEC 23008-12: the brand of its first box

        Exception error = Assert.Throws<ImageFileException>(() => ImageFile.Decode(start, "lion.jpg"));

        Assert.StartsWith("'lion.jpg' is a HEIC picture; PNG", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_of_more_than_two_gigabytes_is_refused_with_its_size()
    {
        byte[] giant = TestPictures.GreyPng(23_171); // 23171^2 > 2^29 >= 23170^2

        Exception error = Assert.Throws<ImageFileException>(() => ImageFile.Decode(giant, "giant.png"));

        Assert.Equal("'giant.png' has 23171 x 23171 pixels; at most 2^29 are read (2^31 bytes of RGBA, 23170 x 23170): make it smaller first.", error.Message);
    }

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    [InlineData("webp")]
    [InlineData("lossless.webp")]
    [InlineData("bmp")]
    public void A_file_that_is_cut_anywhere_is_refused(string format)
    {
        byte[] whole = TestPictures.Quadrants(format);
        ImageFile.Decode(whole, "whole").Dispose();

        for (int length = 1; length < whole.Length - 1; length += Math.Max(1, whole.Length / 97))
        {
            Assert.Throws<ImageFileException>(() => ImageFile.Decode(whole[..length], $"the first {length} bytes"));
        }
    }

    [Theory]
    [InlineData("png")]
    [InlineData("jpg")]
    [InlineData("webp")]
    [InlineData("lossless.webp")]
    [InlineData("bmp")]
    public void A_file_with_wrong_bytes_is_a_picture_or_refused(string format)
    {
        byte[] whole = TestPictures.Quadrants(format);
        Random random = new(11);
        int refused = 0;
        for (int i = 0; i < 200; i++)
        {
            byte[] file = [.. whole];
            for (int k = 0; k < 3; k++)
            {
                file[random.Next(Math.Min(file.Length, 200))] = (byte)random.Next(256);
            }

            try
            {
                ImageFile.Decode(file, "wrong").Dispose();
            }
            catch (ImageFileException error)
            {
                Assert.StartsWith("'wrong' ", error.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.InRange(refused, 1, 200);
    }

    [Theory]
    [InlineData(0, 255, 255)]
    [InlineData(255, 200, 0)]
    [InlineData(51, 244, 204)] // a fifth of (200, 0, 0) over four fifths of white
    public void Alpha_is_laid_on_white(byte opacity, byte red, byte green)
    {
        using Image<Rgb24> image = ImageFile.Decode(TestPictures.Transparent(opacity), "alpha.png");

        Assert.Equal([200, 0, 0, red, green, green], image.ToBytes());
    }

    [Fact]
    public void Alpha_can_be_dropped_as_pillow_does()
    {
        using Image<Rgb24> image = ImageFile.Decode(TestPictures.Transparent(7), "alpha.png", AlphaHandling.Drop);

        Assert.Equal([200, 0, 0, 200, 0, 0], image.ToBytes());
    }

    [Fact]
    public void A_grey_and_a_palette_picture_have_three_channels()
    {
        using Image<Rgb24> grey = ImageFile.Read(Repository.Golden("image_preprocess/small_grey.png"));
        using Image<Rgb24> palette = ImageFile.Read(Repository.Golden("image_preprocess/palette.png"));

        Assert.Equal(3 * 50 * 41, grey.ToBytes().Length);
        Assert.All(grey.ToBytes().Chunk(3), pixel => Assert.True(pixel[0] == pixel[1] && pixel[1] == pixel[2]));
        Assert.Equal(3 * 120 * 81, palette.ToBytes().Length);
    }

    [Theory]
    [InlineData("missing.png", null, "does not exist")]
    [InlineData("empty.png", 0, "is empty")]
    [InlineData("cut.png", 1000, "is cut off")]
    [InlineData("header.png", 20, "is broken")]
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

        Assert.StartsWith("'lion.png' is none of PNG, JPEG, WebP and BMP", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [NoTensorLeak]
    public void A_png_keeps_pixels_and_chinese_text()
    {
        string path = Path.Combine(_folder, "new", "picture.png");
        Dictionary<string, string> text = new() { ["parameters"] = "一只狮子，卡通风格\nSteps: 25", ["Software"] = "Taiyi" };
        using Image<Rgb24> picture = ImageFile.Read(Repository.Golden("image_preprocess/wide_rgb.png"));
        using torch.Tensor tensor = picture.ToTensor();

        ImageFile.WritePng(path, tensor, text);

        using Image<Rgb24> read = ImageFile.Read(path);
        Assert.Equal(picture.ToBytes(), read.ToBytes());
        Assert.Equal(text, ImageFile.ReadText(path));
        Assert.Equal(["picture.png"], Directory.GetFiles(Path.GetDirectoryName(path)!).Select(Path.GetFileName));
    }

    [Fact]
    public void A_text_chunk_is_that_of_the_specification()
    {
        using Image<Rgb24> dot = ImageConversion.FromBytes(1, 1, [1, 2, 3]);

        byte[] png = ImageFile.EncodePng(dot, new Dictionary<string, string> { ["a"] = "b" });

        // length 3, "tEXt", "a\0b", and their CRC-32 as zlib computes it
        byte[] chunk = [0, 0, 0, 3, .. "tEXta\0b"u8, 0xDC, 0x49, 0xA2, 0x3B];
        Assert.True(png.AsSpan().IndexOf(chunk) > 0);
    }

    [Theory]
    [InlineData(2, 4, 4)]
    [InlineData(1, 3, 4)]
    public void A_tensor_of_another_shape_is_refused(params int[] shape)
    {
        using torch.Tensor tensor = torch.zeros([.. shape.Select(size => (long)size)]);

        Exception error = Assert.Throws<ArgumentException>(() => tensor.ToImage());

        Assert.Contains($"got ({string.Join(", ", shape)})", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_with_nan_is_refused()
    {
        using torch.Tensor tensor = torch.full([3, 2, 2], float.NaN);

        Exception error = Assert.Throws<ArgumentException>(() => tensor.ToImage());

        Assert.Contains("not numbers (NaN)", error.Message, StringComparison.Ordinal);
    }

    // The nearest of the four colours in the middle of each quadrant, in reading order.
    private static string CornersOf(Image<Rgb24> image)
    {
        (char Name, Rgb24 Color)[] colors =
            [('R', TestPictures.Red), ('G', TestPictures.Green), ('B', TestPictures.Blue), ('Y', TestPictures.Yellow)];
        string corners = "";
        foreach ((int x, int y) in new[] { (8, 8), (24, 8), (8, 24), (24, 24) })
        {
            Rgb24 pixel = image[x, y];
            corners += colors.MinBy(c => Math.Abs(c.Color.R - pixel.R) + Math.Abs(c.Color.G - pixel.G) + Math.Abs(c.Color.B - pixel.B)).Name;
        }

        return corners;
    }
}
