using System.Buffers.Binary;
using System.Text.Json;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using TorchSharp;

namespace Taiyi.Tests.Data;

public sealed class ImagePreprocessingTests
{
    // Golden/README.md: "PNG crops: equal, or at most one level off". Pillow rounds to bytes after its pass along x, ImageSharp
    // after both; most pixels are equal. A JPEG's decoders differ by a few levels before that, see below.
    [Theory]
    [InlineData("wide_rgb.png", 1)]
    [InlineData("tall_rgba.png", 1)]
    [InlineData("small_grey.png", 1)]
    [InlineData("palette.png", 1)]
    [InlineData("photo.jpg", 12)]
    public void Resize_and_crop_are_those_of_the_reference(string name, int tolerance)
    {
        using Image<Rgb24> image = ImageFile.Read(Repository.Golden($"image_preprocess/{name}"), AlphaHandling.Drop);

        using Image<Rgb24> cropped = ImagePreprocessing.ResizeAndCenterCrop(image, 64);

        int[] differences = Differences(Golden($"{name}.cropped"), cropped);
        Assert.InRange(differences.Max(), 0, tolerance);
        Assert.InRange(differences.Average(), 0, 0.5);
    }

    // The reference is libjpeg-turbo on a picture of strong colours that stores one colour for four pixels. Most levels are equal
    // or one off; where a colour was clipped to 0 or 255 its chroma is not exactly known any more.
    [Fact]
    public void A_jpeg_is_decoded_as_the_reference_does_but_for_a_few_levels()
    {
        using Image<Rgb24> image = ImageFile.Read(Repository.Golden("image_preprocess/photo.jpg"));

        Assert.Equal((90, 133), (image.Width, image.Height));
        int[] differences = Differences(Golden("photo.jpg.decoded"), image);
        Assert.InRange(differences.Max(), 0, 20);
        Assert.InRange(differences.Average(), 0, 0.6);
        Assert.True(differences.Count(difference => difference <= 1) > 0.95 * differences.Length);
    }

    [Fact]
    [NoTensorLeak]
    public void The_tensor_of_the_reference_pixels_is_the_reference_tensor_bit_for_bit()
    {
        byte[] planes = Golden("wide_rgb.png.cropped"); // (3, 64, 64)
        using Image<Rgb24> image = ImageConversion.FromBytes(64, 64, [.. Enumerable.Range(0, planes.Length).Select(i => planes[(i % 3 * 64 * 64) + (i / 3)])]);

        using torch.Tensor tensor = image.ToTensor();

        Assert.Equal([3, 64, 64], tensor.shape);
        Assert.Equal(Golden("wide_rgb.png.tensor"), tensor.bytes.ToArray());
    }

    [Fact]
    [NoTensorLeak]
    public void Bytes_survive_the_way_to_a_tensor_and_back()
    {
        byte[] levels = [.. Enumerable.Range(0, 256 * 3).Select(i => (byte)(i / 3))];

        using Image<Rgb24> image = ImageConversion.FromBytes(16, 16, levels);
        using torch.Tensor tensor = image.ToTensor();

        float[] values = tensor.data<float>().ToArray();
        Assert.Equal((-1f, 1f), (values[0], values[^1]));
        using Image<Rgb24> back = tensor.ToImage();
        Assert.Equal(levels, back.ToBytes());
    }

    [Fact]
    public void A_random_crop_lies_inside_and_repeats_with_its_seed()
    {
        using Image<Rgb24> image = ImageFile.Read(Repository.Golden("image_preprocess/wide_rgb.png"));

        using Image<Rgb24> first = ImagePreprocessing.RandomCrop(image, 60, new Random(5));
        using Image<Rgb24> again = ImagePreprocessing.RandomCrop(image, 60, new Random(5));
        using Image<Rgb24> other = ImagePreprocessing.RandomCrop(image, 60, new Random(6));

        Assert.Equal(first.ToBytes(), again.ToBytes());
        Assert.NotEqual(first.ToBytes(), other.ToBytes());
    }

    [Fact]
    public void A_crop_that_is_larger_than_the_picture_is_refused_with_both_sizes()
    {
        using Image<Rgb24> image = new(4, 2);

        Exception error = Assert.Throws<ArgumentOutOfRangeException>(() => ImagePreprocessing.CenterCrop(image, 3));

        Assert.Contains("A square of 3 pixels does not lie inside the picture of 4 x 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_of_another_size_are_refused()
    {
        Exception error = Assert.Throws<ArgumentException>(() => ImageConversion.FromBytes(2, 2, new byte[16]));

        Assert.Equal("A picture of 2 x 2 has 12 bytes of RGB, got 16.", error.Message);
    }

    // Stored as (3, H, W) bytes; pictures are (H, W, 3).
    private static int[] Differences(byte[] planes, Image<Rgb24> image)
    {
        byte[] pixels = image.ToBytes();
        Assert.Equal(planes.Length, pixels.Length);
        int area = image.Width * image.Height;
        return [.. Enumerable.Range(0, planes.Length).Select(i => Math.Abs(planes[i] - pixels[(3 * (i % area)) + (i / area)]))];
    }

    private static byte[] Golden(string name)
    {
        byte[] file = File.ReadAllBytes(Repository.Golden("image_preprocess.safetensors"));
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using JsonDocument header = JsonDocument.Parse(file.AsMemory(8, headerLength));
        JsonElement offsets = header.RootElement.GetProperty(name).GetProperty("data_offsets");
        return file[(8 + headerLength + offsets[0].GetInt32())..(8 + headerLength + offsets[1].GetInt32())];
    }
}
