using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Training;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Trains networks, or a LoRA of one, on an endless stream of pictures, and writes what was trained at the end of every run.</summary>
public abstract class Pretrainer : Trainer
{
    private readonly PretrainingOptions _options;

    private protected Pretrainer(RunFolder run, PretrainingOptions options, IPictureSource pictures)
        : base(run, options, options.Steps!.Value, pictures.Count, PretrainingData.HashOf(pictures)) => (_options, Pictures) = (options, pictures);

    private protected IPictureSource Pictures { get; }

    private protected ScalarType DType => _options.DType == "BFloat16" ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Trains on, at most to the end, and writes what was trained as it is then.</summary>
    /// <param name="limit">How long; to the end if null.</param>
    /// <param name="progress">Told of every optimizer step, on this thread.</param>
    /// <param name="cancellationToken">Saves a checkpoint and ends the call; so does <see cref="Interruption"/>.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled; a checkpoint of the last whole step is saved.</exception>
    /// <exception cref="TrainingException">Loss or gradient is no finite number; the last good checkpoint is kept.</exception>
    /// <exception cref="IOException">The run's folder cannot be written; the earlier checkpoints are kept.</exception>
    public void Train(TimeSpan? limit = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        Loop(limit, progress, cancellation.Token);
        using IDisposable mean = UseMean();
        WriteModel(cancellation.Token);
    }

    /// <summary>Writes what was trained as it is.</summary>
    private protected abstract void WriteModel(CancellationToken cancellationToken);

    private protected abstract void DisposeNetworks();

    /// <summary>Gives a network its first weights; the purpose names its random numbers.</summary>
    private protected void Initialize(nn.Module network, string purpose)
    {
        using Generator seed = Random.For(purpose, 0);
        using Generator generator = new((ulong)seed.initial_seed(), network.parameters().First().device);
        WeightInitialization.Initialize(network, generator);
    }

    /// <summary>The weights of a network, their names behind that of the network.</summary>
    private protected static IEnumerable<KeyValuePair<string, Parameter>> WeightsOf(string name, nn.Module network) =>
        network.named_parameters().Select(weight => KeyValuePair.Create($"{name}.{weight.name}", weight.parameter));

    /// <summary>Frees the networks and the state of the training.</summary>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        DisposeNetworks();
    }
}
