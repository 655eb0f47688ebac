using System.IO.Compression;
using Taiyi.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

[NoTensorLeak]
public sealed class TorchFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-torch-").FullName;

    private string NewPath => Path.Combine(_folder, "model.bin");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("vae/diffusion_pytorch_model.bin", "vae/diffusion_pytorch_model.safetensors", ScalarType.Float16)]
    [InlineData("text_encoder/pytorch_model.bin", "text_encoder/model.safetensors", ScalarType.Float32)]
    public void A_file_of_torch_save_holds_the_values_of_the_safetensors_file(string binPath, string safetensorsPath, ScalarType dtype)
    {
        using var scope = torch.NewDisposeScope();
        using TorchFile bin = TorchFile.Open(Repository.Golden("tiny-taiyi/" + binPath));
        using SafetensorsFile expected = SafetensorsFile.Open(Repository.Golden("tiny-taiyi/" + safetensorsPath));

        Assert.Equal(expected.Tensors.Keys.Order(), bin.Tensors.Keys.Where(name => name != "embeddings.position_ids").Order());
        foreach (string name in expected.Tensors.Keys)
        {
            Assert.Equal(dtype, bin.Tensors[name].DType);
            Assert.Equal(expected.Tensors[name].Shape, bin.Tensors[name].Shape);
            Assert.True(expected.Read(name).Equals(bin.Read(name).@float()), name);
        }
    }

    [Fact]
    public void Position_ids_of_the_text_encoder_are_int64()
    {
        using var scope = torch.NewDisposeScope();
        using TorchFile file = TorchFile.Open(Repository.Golden("tiny-taiyi/text_encoder/pytorch_model.bin"));

        Assert.True(torch.arange(512).unsqueeze(0).Equals(file.Read("embeddings.position_ids")));
    }

    [Fact]
    public void Views_of_a_shared_storage_are_read_as_torch_reads_them()
    {
        using var scope = torch.NewDisposeScope();
        Tensor storage = torch.arange(24, dtype: ScalarType.Float32);
        TorchArchiveWriter writer = new();
        string key = writer.Store(storage);
        (string Name, long Offset, long[] Shape, long[] Strides)[] views =
        [
            ("whole", 0, [4, 6], [6, 1]), ("tail", 18, [6], [1]), ("transposed", 0, [6, 4], [1, 6]), ("every other", 1, [3, 2], [6, 2]),
            ("expanded", 5, [3, 2], [0, 1]), ("scalar", 23, [], []), ("empty", 24, [0, 6], [6, 1]), ("one row", 6, [1, 6], [999, 1]),
        ];
        writer.Emit((byte)'}', (byte)'(');
        foreach ((string name, long offset, long[] shape, long[] strides) in views)
        {
            writer.Text(name).View(key, ScalarType.Float32, 24, offset, shape, strides);
        }

        using TorchFile file = TorchFile.Open(writer.Emit((byte)'u').Save(NewPath));

        foreach ((string name, long offset, long[] shape, long[] strides) in views)
        {
            Tensor expected = storage.as_strided(shape, strides, offset);
            Assert.True(expected.Equals(file.Read(name)), name);
            Tensor doubles = torch.zeros(shape, ScalarType.Float64);
            file.CopyTo(name, doubles);
            Assert.True(expected.to(ScalarType.Float64).Equals(doubles), name);
        }
    }

    [Fact]
    public void A_training_checkpoint_gives_the_tensors_under_state_dict()
    {
        using var scope = torch.NewDisposeScope();
        TorchArchiveWriter writer = new();
        writer.Emit((byte)'}', (byte)'(').Text("epoch").Int(3).Text("lr").Emit([(byte)'G', 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]);
        writer.Text("callbacks").Emit((byte)'}').Text("loops").Emit((byte)'N').Text("state_dict");
        writer.StateDict([KeyValuePair.Create("w", torch.tensor(new[] { 1f, 2f }))]);

        using TorchFile file = TorchFile.Open(writer.Emit((byte)'u').Save(NewPath));

        Assert.Equal(["w"], file.Tensors.Keys);
        Assert.Equal([1f, 2f], file.Read("w").data<float>());
    }

    [Fact]
    public void Parameters_and_the_attributes_of_a_state_dict_are_understood()
    {
        using var scope = torch.NewDisposeScope();
        TorchArchiveWriter writer = new();
        string key = writer.Store(torch.tensor(new[] { 4L }));
        writer.Global("collections", "OrderedDict").Emit((byte)')', (byte)'R').Text("w");
        writer.Global("torch._utils", "_rebuild_parameter").Emit((byte)'(').View(key, ScalarType.Int64, 1, 0, [1], [1]);
        writer.Emit(0x88).Emit((byte)'}', (byte)'t', (byte)'R', (byte)'s'); // True, {}, TUPLE, REDUCE, SETITEM
        writer.Emit((byte)'}').Text("_metadata").Emit((byte)'}', (byte)'s', (byte)'b'); // BUILD

        using TorchFile file = TorchFile.Open(writer.Save(NewPath));

        Assert.Equal([4L], file.Read("w").data<long>());
    }

    [Fact]
    public void Opcodes_of_protocol_4_are_understood()
    {
        using var scope = torch.NewDisposeScope();
        TorchArchiveWriter writer = new();
        string key = writer.Store(torch.tensor(new[] { 5L }));
        writer.Emit([0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0]); // PROTO 4, FRAME
        writer.Emit([0x8c, 11, .. "collections"u8, 0x94, 0x8c, 11, .. "OrderedDict"u8, 0x94, 0x93, 0x94]); // SHORT_BINUNICODE, MEMOIZE, STACK_GLOBAL
        writer.Emit((byte)']', (byte)'('); // EMPTY_LIST, MARK
        writer.Emit([0x8c, 1, (byte)'v', (byte)'K', 9, 0x86]); // ("v", 9)
        writer.Text("w").View(key, ScalarType.Int64, 1, 0, [1], [1]).Emit(0x86); // ("w", the tensor)
        writer.Emit([(byte)'e', 0x85, (byte)'R']); // APPENDS, TUPLE1, REDUCE: OrderedDict([…])

        using TorchFile file = TorchFile.Open(writer.Save(NewPath));

        Assert.Equal(["w"], file.Tensors.Keys);
        Assert.Equal([5L], file.Read("w").data<long>());
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint")]
    public void Any_other_python_object_is_refused_by_name(string module, string name)
    {
        string byGlobal = new TorchArchiveWriter().Global(module, name).Text("touch forged").Emit(0x85, (byte)'R').Save(NewPath);
        Assert.Contains($"'{module} {name}'", Assert.Throws<CheckpointException>(() => TorchFile.Open(byGlobal)).Message);

        string byStack = new TorchArchiveWriter().Text(module).Text(name).Emit(0x93).Save(NewPath); // STACK_GLOBAL
        Assert.Contains($"'{module} {name}'", Assert.Throws<CheckpointException>(() => TorchFile.Open(byStack)).Message);
    }

    [Theory]
    [InlineData(25, 0, new long[] { 24 }, new long[] { 1 }, "should hold 25 elements")]
    [InlineData(24, 1, new long[] { 24 }, new long[] { 1 }, "does not fit")]
    [InlineData(24, 0, new long[] { 5, 6 }, new long[] { 6, 1 }, "does not fit")]
    [InlineData(24, 0, new long[] { 1L << 40 }, new long[] { 0 }, "does not fit")]
    [InlineData(24, 0, new long[] { 1L << 62, 1L << 62 }, new long[] { 1L << 62, 1 }, "does not fit")]
    [InlineData(24, 0, new long[] { 2, 2 }, new long[] { 1 }, "2 sizes, 1 strides")]
    [InlineData(24, -1, new long[] { 2 }, new long[] { 1 }, "offset -1")]
    [InlineData(24, 0, new long[] { 2 }, new long[] { -1 }, "size or stride -1")]
    public void A_view_outside_its_storage_is_refused(long count, long offset, long[] shape, long[] strides, string expected)
    {
        using Tensor storage = torch.arange(24, dtype: ScalarType.Float32);
        TorchArchiveWriter writer = new();
        string key = writer.Store(storage);
        writer.Emit((byte)'}').Text("the tensor").View(key, ScalarType.Float32, count, offset, shape, strides).Emit((byte)'s').Save(NewPath);

        CheckpointException error = Assert.Throws<CheckpointException>(() => TorchFile.Open(NewPath));

        Assert.Contains(expected, error.Message);
        Assert.Contains(NewPath, error.Message);
    }

    [Fact]
    public void Archives_that_torch_does_not_write_are_refused_with_the_reason()
    {
        using var scope = torch.NewDisposeScope();
        KeyValuePair<string, Tensor>[] tensors = [KeyValuePair.Create("w", torch.ones(1))];

        Assert.Contains("compressed", Refusal(new TorchArchiveWriter().StateDict(tensors).Save(NewPath, compression: CompressionLevel.Optimal)));
        Assert.Contains("'big'", Refusal(new TorchArchiveWriter().StateDict(tensors).Save(NewPath, byteOrder: "big")));
        Assert.Contains("data.pkl", Refusal(new TorchArchiveWriter().StateDict(tensors).Save(NewPath, prefix: "archive/not-")));
        Assert.Contains("'epoch'", Refusal(new TorchArchiveWriter().Emit((byte)'}').Text("epoch").Int(1).Emit((byte)'s').Save(NewPath)));
        Assert.Contains("no dictionary", Refusal(new TorchArchiveWriter().Int(1).Save(NewPath)));
        File.WriteAllBytes(NewPath, [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
        Assert.Contains("before 1.6", Refusal(NewPath));
    }

    private static string Refusal(string path) => Assert.Throws<CheckpointException>(() => TorchFile.Open(path)).Message;
}
