using Taiyi.Files;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Taiyi.Tests.Files;

[NoTensorLeak]
public sealed class StateDictLoaderTests : IDisposable
{
    private readonly string _path = Path.Combine(Directory.CreateTempSubdirectory("taiyi-loader-").FullName, "w.safetensors");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_path)!, recursive: true);

    [Fact]
    public void Parameters_and_buffers_are_filled_and_converted()
    {
        using var scope = torch.NewDisposeScope();
        using BatchNorm2d module = nn.BatchNorm2d(2, dtype: ScalarType.Float64);
        Write(
            ("weight", torch.tensor(new[] { 1.5f, 2.5f })), ("bias", torch.tensor(new[] { 3f, 4f }).half()),
            ("running_mean", torch.tensor(new[] { 5f, 6f })), ("running_var", torch.tensor(new[] { 7f, 8f }).bfloat16()),
            ("num_batches_tracked", torch.tensor(9L)));

        using IStateDictFile file = StateDictFile.Open(_path);
        StateDictLoader.Load(module, file);

        Assert.Equal([1.5, 2.5], module.weight!.data<double>());
        Assert.Equal([3.0, 4.0], module.bias!.data<double>());
        Assert.Equal([5.0, 6.0], module.running_mean!.data<double>());
        Assert.Equal([7.0, 8.0], module.running_var!.data<double>());
        Assert.Equal(9, module.state_dict()["num_batches_tracked"].ToInt64());
        Assert.True(module.weight.requires_grad);
    }

    [Fact]
    public void Every_missing_extra_and_misshapen_tensor_is_named_and_nothing_is_copied()
    {
        using var scope = torch.NewDisposeScope();
        using Linear module = nn.Linear(3, 2);
        Tensor before = module.bias!.clone();
        Write(("weight", torch.zeros(2, 4)), ("bias", torch.zeros(2)), ("scale", torch.zeros(1)), ("embeddings.position_ids", torch.zeros(1)));
        using Linear other = nn.Linear(3, 2, hasBias: false);

        using IStateDictFile file = StateDictFile.Open(_path);
        CheckpointException error = Assert.Throws<CheckpointException>(() => StateDictLoader.Load(module, file));

        Assert.Contains("weight is [2, 4] in the file, [2, 3] in the model", error.Message);
        Assert.Contains("1 unknown to the model (scale)", error.Message);
        Assert.DoesNotContain("position_ids", error.Message); // harmless
        Assert.Contains(_path, error.Message);
        Assert.True(before.Equals(module.bias));
        Assert.Contains("2 unknown to the model (bias, scale)", Assert.Throws<CheckpointException>(() => StateDictLoader.Load(other, file)).Message);
    }

    [Fact]
    public void A_long_list_is_cut_after_twenty_names_and_counted()
    {
        using var scope = torch.NewDisposeScope();
        using Sequential module = nn.Sequential([.. Enumerable.Range(0, 15).Select(i => ($"{i}", (nn.Module<Tensor, Tensor>)nn.Linear(1, 1)))]);
        Write(("0.weight", torch.zeros(1, 1)));

        using IStateDictFile file = StateDictFile.Open(_path);
        string message = Assert.Throws<CheckpointException>(() => StateDictLoader.Load(module, file)).Message;

        Assert.Contains("29 missing in the file (0.bias, 1.weight, 1.bias", message);
        Assert.Contains(", and 9 more)", message);
    }

    [Fact]
    public void Loading_ends_when_it_is_cancelled()
    {
        using var scope = torch.NewDisposeScope();
        using Linear module = nn.Linear(3, 2);
        Write(("weight", torch.zeros(2, 3)), ("bias", torch.zeros(2)));
        using IStateDictFile file = StateDictFile.Open(_path);

        using (Interruption.Use(new CancellationToken(canceled: true)))
        {
            Assert.Throws<OperationCanceledException>(() => StateDictLoader.Load(module, file));
        }

        Assert.Throws<OperationCanceledException>(() => StateDictLoader.Load(module, file, new CancellationToken(canceled: true)));
    }

    private void Write(params (string Name, Tensor Value)[] tensors) =>
        SafetensorsFile.Write(_path, tensors.Select(pair => KeyValuePair.Create(pair.Name, pair.Value)));
}
