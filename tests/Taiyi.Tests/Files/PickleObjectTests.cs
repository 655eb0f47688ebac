using Taiyi.Files;
using TorchSharp;

namespace Taiyi.Tests.Files;

/// <summary>Python objects beside the tensors of a checkpoint: passed over, never run.</summary>
[NoTensorLeak]
public sealed class PickleObjectTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-pickle-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Kinds =>
    [
        "class as value", "class as key", "call", "object with attributes", "dictionary of its own class", "list of its own class",
        "set", "set by call", "frozenset", "number of numpy", "bytes", "object with keywords", "None as key",
    ];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_tensors_beside_any_object_are_read(string kind)
    {
        using var scope = torch.NewDisposeScope();
        TorchArchiveWriter writer = new TorchArchiveWriter().Emit((byte)'}', (byte)'(').Text("first");
        Emit(writer, kind);
        writer.Text("state_dict").StateDict([KeyValuePair.Create("w", torch.tensor(new[] { 7f }))]).Text("last");
        Emit(writer, kind);

        using TorchFile file = TorchFile.Open(writer.Emit((byte)'u').Save(Path.Combine(_folder, "model.ckpt")));

        Assert.Equal(["w"], file.Tensors.Keys);
        Assert.Equal(7f, file.Read("w").item<float>());
    }

    [Fact]
    public void Nothing_that_a_pickle_calls_is_run()
    {
        using var scope = torch.NewDisposeScope();
        string forged = Path.Combine(_folder, "forged");
        TorchArchiveWriter writer = new TorchArchiveWriter().StateDict([KeyValuePair.Create("w", torch.ones(1))]);
        writer.Text("x").Global("posix", "system").Text($"touch {forged}").Emit(0x85, (byte)'R', (byte)'s');

        using TorchFile file = TorchFile.Open(writer.Save(Path.Combine(_folder, "model.ckpt")));

        Assert.Equal(["w"], file.Tensors.Keys);
        Assert.False(File.Exists(forged));
    }

    [Fact]
    public void A_tensor_of_a_kind_that_is_not_read_is_named_not_lost()
    {
        TorchArchiveWriter writer = new TorchArchiveWriter().Emit((byte)'}').Text("w");
        writer.Global("torch._utils", "_rebuild_sparse_tensor").Emit((byte)')', (byte)'R', (byte)'s');

        var error = Assert.Throws<CheckpointException>(() => TorchFile.Open(writer.Save(Path.Combine(_folder, "model.ckpt"))));

        Assert.Contains("'w'", error.Message);
        Assert.Contains("_rebuild_sparse_tensor", error.Message);
    }

    // As pickletools.dis shows them for protocols 2 to 4.
    private static void Emit(TorchArchiveWriter writer, string kind)
    {
        const byte Mark = (byte)'(', EmptyTuple = (byte)')', EmptyDictionary = (byte)'}', EmptyList = (byte)']', Reduce = (byte)'R', Build = (byte)'b';
        const byte NewObject = 0x81, NewObjectEx = 0x92, Tuple1 = 0x85, Tuple2 = 0x86, None = (byte)'N';
        _ = kind switch
        {
            "class as value" => writer.Global("torch.optim.adamw", "AdamW"),
            "class as key" => writer.Emit(EmptyDictionary).Global("pytorch_lightning.callbacks", "ModelCheckpoint").Int(1).Emit((byte)'s'),
            "call" => writer.Global("pathlib", "PosixPath").Text("/home").Emit(Tuple1, Reduce),
            "object with attributes" => writer.Global("argparse", "Namespace").Emit(EmptyTuple, NewObject, EmptyDictionary).Text("lr").Int(1).Emit((byte)'s', Build),
            "dictionary of its own class" => writer.Global("omegaconf", "DictConfig").Emit(EmptyTuple, NewObject, Mark).Text("lr").Int(1).Emit((byte)'u', None, EmptyDictionary, Tuple2, Build),
            "list of its own class" => writer.Global("omegaconf", "ListConfig").Emit(EmptyTuple, NewObject, Mark).Int(1).Int(2).Emit((byte)'e').Int(3).Emit((byte)'a'),
            "set" => writer.Emit(0x8f, Mark).Int(1).Int(2).Emit(0x90),
            "set by call" => writer.Global("builtins", "set").Emit(EmptyList).Int(1).Emit((byte)'a', Tuple1, Reduce),
            "frozenset" => writer.Emit(Mark).Int(1).Emit(0x91),
            "number of numpy" => writer.Global("numpy.core.multiarray", "scalar").Global("numpy", "dtype").Text("f8").Emit(Tuple1, Reduce)
                .Emit((byte)'C', 2, 0xff, 0xfe, Tuple2, Reduce),
            "bytes" => writer.Emit((byte)'B', 2, 0, 0, 0, 0xff, 0xfe),
            "object with keywords" => writer.Global("a", "B").Emit(EmptyTuple, EmptyDictionary, NewObjectEx),
            _ => writer.Emit(EmptyDictionary, None).Int(1).Emit((byte)'s'),
        };
    }
}
