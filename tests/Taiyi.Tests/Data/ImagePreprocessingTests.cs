using System.Buffers.Binary;
using System.Text.Json;
using Taiyi.Data;
using TorchSharp;

namespace Taiyi.Tests.Data;

public sealed class ImagePreprocessingTests
{
    public static TheoryData<string> Pictures => ["wide_rgb.png", "tall_rgba.png", "small_grey.png", "palette.png", "photo.jpg"];

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Resize_and_crop_equal_the_reference(string name)
    {
        RgbImage image = ImageFile.Read(Repository.Golden($"image_preprocess/{name}"), AlphaHandling.Drop);

        RgbImage cropped = ImagePreprocessing.ResizeAndCenterCrop(image, 64);

        Assert.Equal(0, LargestDifference(Golden($"{name}.cropped"), cropped));
    }

    [Fact]
    public void A_jpeg_is_decoded_as_the_reference_does()
    {
        RgbImage image = ImageFile.Read(Repository.Golden("image_preprocess/photo.jpg"));

        Assert.Equal((90, 133), (image.Width, image.Height));
        Assert.Equal(0, LargestDifference(Golden("photo.jpg.decoded"), image));
    }

    [Fact]
    [NoTensorLeak]
    public void The_tensor_is_the_reference_tensor_bit_for_bit()
    {
        RgbImage image = ImageFile.Read(Repository.Golden("image_preprocess/wide_rgb.png"));

        using torch.Tensor tensor = ImagePreprocessing.ResizeAndCenterCrop(image, 64).ToTensor();

        Assert.Equal([3, 64, 64], tensor.shape);
        byte[] expected = Golden("wide_rgb.png.tensor");
        Assert.Equal(expected, tensor.bytes.ToArray());
    }

    [Fact]
    [NoTensorLeak]
    public void Bytes_survive_the_way_to_a_tensor_and_back()
    {
        byte[] levels = [.. Enumerable.Range(0, 256 * 3).Select(i => (byte)(i / 3))];

        using torch.Tensor tensor = new RgbImage(16, 16, levels).ToTensor();

        float[] values = tensor.data<float>().ToArray();
        Assert.Equal((-1f, 1f), (values[0], values[^1]));
        Assert.Equal(levels, RgbImage.FromTensor(tensor).Pixels);
    }

    [Fact]
    public void A_random_crop_lies_inside_and_repeats_with_its_seed()
    {
        RgbImage image = ImageFile.Read(Repository.Golden("image_preprocess/wide_rgb.png"));

        RgbImage first = ImagePreprocessing.RandomCrop(image, 60, new Random(5));
        RgbImage again = ImagePreprocessing.RandomCrop(image, 60, new Random(5));
        RgbImage other = ImagePreprocessing.RandomCrop(image, 60, new Random(6));

        Assert.Equal(first.Pixels, again.Pixels);
        Assert.NotEqual(first.Pixels, other.Pixels);
    }

    [Fact]
    public void A_crop_outside_the_picture_is_refused_with_both_sizes()
    {
        RgbImage image = new(2, 2, new byte[12]);

        Exception error = Assert.Throws<ArgumentOutOfRangeException>(() => image.Crop(1, 0, 2, 1));

        Assert.Contains("The crop 2 x 1 at (1, 0) does not lie inside the picture of 2 x 2.", error.Message, StringComparison.Ordinal);
    }

    // Stored as (3, H, W) bytes; pictures are (H, W, 3).
    private static int LargestDifference(byte[] planes, RgbImage image)
    {
        Assert.Equal(planes.Length, image.Pixels.Length);
        int area = image.Width * image.Height;
        return Enumerable.Range(0, planes.Length).Max(i => Math.Abs(planes[i] - image.Pixels[(3 * (i % area)) + (i / area)]));
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
