using System.Buffers.Binary;
using System.Text;
using Taiyi.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

[NoTensorLeak]
public sealed class SafetensorsFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_of_the_reference_writer_lists_its_tensors_and_metadata()
    {
        using SafetensorsFile file = SafetensorsFile.Open(Repository.Golden("tiny-taiyi/unet/diffusion_pytorch_model.safetensors"));

        TensorInfo convIn = file.Tensors["conv_in.weight"];
        Assert.Equal([32, 4, 3, 3], convIn.Shape);
        Assert.Equal(ScalarType.Float32, convIn.DType);
        Assert.Equal("pt", file.Metadata["format"]);
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Half_precision_files_hold_the_values_of_the_float32_file(ScalarType dtype)
    {
        using var scope = torch.NewDisposeScope();
        using SafetensorsFile single = SafetensorsFile.Open(Repository.Golden("tiny-taiyi/unet/diffusion_pytorch_model.safetensors"));
        string path = Path.Combine(_folder, "half.safetensors");
        SafetensorsFile.Write(path, single.Tensors.Keys.Select(name => KeyValuePair.Create(name, single.Read(name).to(dtype))));
        using SafetensorsFile half = SafetensorsFile.Open(path);

        Assert.Equal(single.Tensors.Keys.Order(), half.Tensors.Keys.Order());
        foreach (string name in single.Tensors.Keys)
        {
            Tensor expected = single.Read(name);
            Tensor converted = torch.empty_like(expected);
            half.CopyTo(name, converted);

            Assert.Equal(dtype, half.Tensors[name].DType);
            Assert.True(expected.Equals(half.Read(name).@float()), name);
            Assert.True(expected.Equals(converted), name);
        }
    }

    // IEEE 754 half precision: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction. bfloat16: the upper half of a float32.
    [Theory]
    [InlineData("F16", new byte[] { 0x00, 0x3c, 0x00, 0xc1, 0xff, 0x7b, 0x01, 0x00 }, new[] { 1f, -2.5f, 65504f, 5.9604645e-8f })] // the last is 2^-24
    [InlineData("BF16", new byte[] { 0x80, 0x3f, 0x20, 0xc0, 0x49, 0x40, 0x80, 0x00 }, new[] { 1f, -2.5f, 3.140625f, 1.1754944e-38f })] // the last is 2^-126
    public void The_bytes_of_half_precision_are_read_as_their_formats_define_them(string dtype, byte[] data, float[] expected)
    {
        string path = Path.Combine(_folder, "half.safetensors");
        byte[] header = Encoding.UTF8.GetBytes($$$"""{"w":{"dtype":"{{{dtype}}}","shape":[4],"data_offsets":[0,8]}}""");
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        File.WriteAllBytes(path, [.. length, .. header, .. data]);

        using var scope = torch.NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(expected, file.Read("w").@float().data<float>().ToArray());
    }

    [Fact]
    public void Every_dtype_shape_and_stride_comes_back_as_it_was_written()
    {
        using var scope = torch.NewDisposeScope();
        (string Name, Tensor Value)[] tensors =
        [
            ("byte", torch.tensor(new byte[] { 0, 127, 255 })),
            ("int8", torch.tensor(new sbyte[] { -128, 0, 127 })),
            ("int16", torch.tensor(new short[] { short.MinValue, 7 })),
            ("int32", torch.tensor(new[] { int.MinValue, 7 })),
            ("int64", torch.tensor(new[] { long.MinValue, 7L })),
            ("bool", torch.tensor(new[] { true, false, true })),
            ("half", torch.tensor(new[] { 1.5f, -0.25f }).half()),
            ("bfloat16", torch.tensor(new[] { 1.5f, -0.25f }).bfloat16()),
            ("double", torch.tensor(new[] { Math.PI, double.NegativeInfinity })),
            ("scalar", torch.tensor(3.25f)),
            ("empty", torch.zeros(0, 5)),
            ("transposed", torch.arange(12, dtype: ScalarType.Float32).view(3, 4).t()),
            ("channels last", torch.arange(24, dtype: ScalarType.Float32).view(1, 2, 3, 4).permute(0, 3, 1, 2)),
            ("narrowed", torch.arange(10).narrow(0, 3, 4)),
            ("中文 \"key\"", torch.ones(1)),
        ];
        string path = Path.Combine(_folder, "all.safetensors");

        SafetensorsFile.Write(path, tensors.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)), new Dictionary<string, string> { ["说明"] = "a \"b\"\n" });

        using SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.Equal(tensors.Select(pair => pair.Name), file.Tensors.Keys);
        Assert.Equal("a \"b\"\n", file.Metadata["说明"]);
        foreach ((string name, Tensor expected) in tensors)
        {
            Tensor actual = file.Read(name);
            Assert.Equal(expected.shape, actual.shape);
            Assert.Equal(expected.dtype, actual.dtype);
            Assert.True(expected.Equals(actual), name);
        }
    }

    [Fact]
    public void The_bytes_on_disk_are_those_of_the_format()
    {
        using Tensor value = torch.tensor(new[] { 1f, 2f });
        string path = Path.Combine(_folder, "w.safetensors");

        SafetensorsFile.Write(path, [KeyValuePair.Create("w", value)]);

        byte[] bytes = File.ReadAllBytes(path);
        const string Header = """{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""" + "  ";
        Assert.Equal(0, Header.Length % 8);
        Assert.Equal((ulong)Header.Length, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        Assert.Equal(Header, Encoding.UTF8.GetString(bytes, 8, Header.Length));
        Assert.Equal([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40], bytes[(8 + Header.Length)..]);
    }

    [Fact]
    public void A_copy_reaches_destinations_with_strides_and_gradients()
    {
        using var scope = torch.NewDisposeScope();
        Tensor source = torch.arange(6, dtype: ScalarType.Float32).view(2, 3);
        string path = Path.Combine(_folder, "w.safetensors");
        SafetensorsFile.Write(path, [KeyValuePair.Create("w", source)]);
        using SafetensorsFile file = SafetensorsFile.Open(path);

        Tensor strided = torch.zeros(3, 2).t();
        file.CopyTo("w", strided);
        Tensor parameter = torch.zeros(2, 3, requires_grad: true);
        file.CopyTo("w", parameter);
        Tensor doubles = torch.zeros(2, 3, dtype: ScalarType.Float64, requires_grad: true);
        file.CopyTo("w", doubles);

        Assert.True(source.Equals(strided));
        Assert.True(source.Equals(parameter.detach()));
        Assert.True(source.Equals(doubles.detach().@float()));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_older_file_and_no_rest()
    {
        using var scope = torch.NewDisposeScope();
        string path = Path.Combine(_folder, "w.safetensors");
        SafetensorsFile.Write(path, [KeyValuePair.Create("w", torch.ones(2))]);
        byte[] before = File.ReadAllBytes(path);

        CheckpointException twice = Assert.Throws<CheckpointException>(() =>
            SafetensorsFile.Write(path, [KeyValuePair.Create("w", torch.ones(2)), KeyValuePair.Create("w", torch.ones(3))]));
        CheckpointException complex = Assert.Throws<CheckpointException>(() =>
            SafetensorsFile.Write(path, [KeyValuePair.Create("w", torch.zeros(2, dtype: ScalarType.ComplexFloat32))]));
        IEnumerable<KeyValuePair<string, Tensor>> entries = [KeyValuePair.Create("w", torch.ones(2)), KeyValuePair.Create("meta", torch.ones(2, device: torch.META))];
        Assert.ThrowsAny<Exception>(() => SafetensorsFile.Write(path, entries));

        Assert.Contains("'w'", twice.Message);
        Assert.Contains("ComplexFloat32", complex.Message);
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Names_and_shapes_that_do_not_fit_are_named()
    {
        using var scope = torch.NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Repository.Golden("tiny-taiyi/unet/diffusion_pytorch_model.safetensors"));

        CheckpointException unknown = Assert.Throws<CheckpointException>(() => file.Read("conv_on.weight"));
        CheckpointException shape = Assert.Throws<CheckpointException>(() => file.CopyTo("conv_in.weight", torch.zeros(32, 9, 3, 3)));

        Assert.Contains("'conv_on.weight'", unknown.Message);
        Assert.Contains("[32, 4, 3, 3]", shape.Message);
        Assert.Contains("[32, 9, 3, 3]", shape.Message);
    }
}
