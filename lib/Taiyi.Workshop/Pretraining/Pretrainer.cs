using System.Diagnostics;
using System.Text.Json;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Training;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Trains networks from nothing: the loop, its checkpoints and its log; what is learned is the business of the two trainers.</summary>
/// <remarks>
/// All randomness follows from the seeds and the number of the step: with the same number of threads a run that was stopped and
/// resumed gives the same bits as one that went through.
/// </remarks>
public abstract class Pretrainer : IDisposable
{
    private const string WeightsName = "weights.safetensors", OptimizerName = "optimizer.safetensors", MeanName = "ema.safetensors", StateName = "state.json";

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private readonly RunFolder _run;
    private readonly PretrainingOptions _options;
    private readonly LearningRateSchedule _schedule;
    private readonly string _dataHash;
    private MasterWeights _weights = null!;
    private AdamW _optimizer = null!;
    private ExponentialMovingAverage _mean = null!;

    private protected Pretrainer(RunFolder run, PretrainingOptions options, IPictureSource pictures)
    {
        (_run, _options, Pictures, _schedule) = (run, options, pictures, options.Schedule);
        _dataHash = PretrainingData.HashOf(pictures);
        Random = new TrainingRandom(options.RandomSeed);
    }

    /// <summary>Optimizer steps taken so far, in all runs together.</summary>
    public long Step { get; private set; }

    /// <summary>Optimizer steps of the whole training.</summary>
    public long TotalSteps => _schedule.TotalSteps;

    private protected IPictureSource Pictures { get; }

    private protected TrainingRandom Random { get; }

    private protected ScalarType DType => _options.DType == "BFloat16" ? ScalarType.BFloat16 : ScalarType.Float32;

    /// <summary>Trains on, at most to the end, and writes the model as it is then.</summary>
    /// <param name="limit">How long; to the end if null.</param>
    /// <param name="progress">Told of every optimizer step, on this thread.</param>
    /// <param name="cancellationToken">Saves a checkpoint and ends the call; so does <see cref="Interruption"/>.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled; a checkpoint of the last whole step is saved.</exception>
    /// <exception cref="TrainingException">Loss or gradient is no finite number; the last good checkpoint is kept.</exception>
    /// <exception cref="IOException">The run's folder cannot be written; the earlier checkpoints are kept.</exception>
    public void Train(TimeSpan? limit = null, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        Stopwatch clock = Stopwatch.StartNew();
        try
        {
            while (Step < TotalSteps && !(clock.Elapsed > limit))
            {
                TrainingProgress done = TakeStep(cancellation.Token);
                _run.Log(done);
                SaveAndSample(cancellation.Token);
                progress?.Report(done);
            }
        }
        catch (OperationCanceledException)
        {
            SaveCheckpoint();
            throw;
        }

        SaveCheckpoint();
        using IDisposable mean = UseMean();
        WriteModel(cancellation.Token);
    }

    /// <summary>One optimizer step.</summary>
    /// <param name="cancellationToken">Looked at before the step.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="TrainingException">Loss or gradient is no finite number.</exception>
    public TrainingProgress TakeStep(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Stopwatch clock = Stopwatch.StartNew();
        double learningRate = _schedule.At(Step);
        (double loss, double gradNorm) = Backward();
        _optimizer.Step(learningRate);
        _weights.Publish();
        Step++;
        _mean.Update(Step);

        double epoch = (double)Step * _options.BatchSize / Pictures.Count;
        long liveTensors = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        return new TrainingProgress(Step, TotalSteps, epoch, loss, learningRate, gradNorm, clock.Elapsed.TotalSeconds, Environment.WorkingSet, liveTensors);
    }

    /// <summary>Frees the networks and the state of the training.</summary>
    public void Dispose()
    {
        _optimizer.ZeroGrad();
        _optimizer.Dispose();
        _mean.Dispose();
        _weights.Dispose();
        DisposeNetworks();
        GC.SuppressFinalize(this);
    }

    /// <summary>The loss of the step <see cref="Step"/>, a scalar with its graph.</summary>
    private protected abstract Tensor ComputeLoss(Generator generator);

    /// <summary>Draws what there is to see of the networks as they are.</summary>
    private protected abstract void DrawSamples(string path, CancellationToken cancellationToken);

    /// <summary>Writes the networks as they are into the model's folder.</summary>
    private protected abstract void WriteModel(CancellationToken cancellationToken);

    private protected abstract void DisposeNetworks();

    /// <summary>Gives a network its first weights; the purpose names its random numbers.</summary>
    private protected void Initialize(nn.Module network, string purpose)
    {
        using Generator seed = Random.For(purpose, 0);
        using Generator generator = new((ulong)seed.initial_seed(), network.parameters().First().device);
        WeightInitialization.Initialize(network, generator);
    }

    /// <summary>Begins with the networks as they are, or with the newest checkpoint of the run.</summary>
    private protected void Start(params KeyValuePair<string, nn.Module>[] networks)
    {
        _weights = new MasterWeights(networks);
        _optimizer = new AdamW(_weights.Named, _options.WeightDecay, beta2: 0.99);
        _mean = new ExponentialMovingAverage(_weights.Named, _options.EmaDecay);
        try
        {
            if (_run.LatestCheckpoint is { } checkpoint)
            {
                Resume(checkpoint);
            }

            _run.TruncateLog(Step);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private (double Loss, double GradNorm) Backward()
    {
        using var scope = NewDisposeScope();
        using Generator generator = Random.For("step", Step);
        _optimizer.ZeroGrad();
        Tensor loss = ComputeLoss(generator);
        double value = loss.item<float>();
        RequireFinite(value, "The loss");
        loss.backward();
        _weights.TakeGradients();
        double gradNorm = nn.utils.clip_grad_norm_(_optimizer.Parameters, _options.MaxGradNorm);
        RequireFinite(gradNorm, "The norm of the gradients");
        return (value, gradNorm);
    }

    private void RequireFinite(double value, string what)
    {
        if (!double.IsFinite(value))
        {
            throw TrainingException.NotFinite(what, value, Step + 1, files: [], _run, _options.LearningRate, DType);
        }
    }

    private void SaveAndSample(CancellationToken cancellationToken)
    {
        if (Step % _options.CheckpointEvery == 0)
        {
            SaveCheckpoint();
        }

        if (_options.SampleEvery > 0 && Step % _options.SampleEvery == 0)
        {
            using IDisposable mean = UseMean();
            DrawSamples(_run.SamplePath(Step), cancellationToken);
        }
    }

    // The running mean in the place of the weights, as long as the returned scope lives.
    private Scope UseMean()
    {
        IDisposable mean = _mean.Use();
        _weights.Publish();
        return new Scope(() =>
        {
            mean.Dispose();
            _weights.Publish();
        });
    }

    private void SaveCheckpoint()
    {
        long seen = Step * _options.BatchSize;
        TrainingPosition position = new(Step, seen, (double)seen / Pictures.Count, _schedule.At(Step), _options.RandomSeed, _dataHash);
        _run.WriteCheckpoint(Step, folder =>
        {
            SafetensorsFile.Write(Path.Combine(folder, WeightsName), _weights.Named.Select(weight => new KeyValuePair<string, Tensor>(weight.Key, weight.Value)));
            SafetensorsFile.Write(Path.Combine(folder, MeanName), _mean.State);
            IReadOnlyList<KeyValuePair<string, Tensor>> state = _optimizer.State(out Tensor stepCount);
            using (stepCount)
            {
                SafetensorsFile.Write(Path.Combine(folder, OptimizerName), state);
            }

            RunFolder.WriteText(Path.Combine(folder, StateName), JsonSerializer.Serialize(position, Json));
        });
        _run.PruneCheckpoints(_options.KeepCheckpoints);
    }

    private void Resume(string checkpoint)
    {
        TrainingPosition position = ReadPosition(Path.Combine(checkpoint, StateName));
        if (position.DataHash != _dataHash)
        {
            throw new TrainingException($"The run in '{_run.Folder}' was trained on other pictures or captions: resume it with those, or start a new run in another folder.");
        }

        using (IDisposable noGrad = no_grad())
        using (SafetensorsFile weights = SafetensorsFile.Open(Path.Combine(checkpoint, WeightsName)))
        {
            foreach ((string name, Parameter weight) in _weights.Named)
            {
                weights.CopyTo(name, weight);
            }
        }

        using SafetensorsFile state = SafetensorsFile.Open(Path.Combine(checkpoint, OptimizerName)), mean = SafetensorsFile.Open(Path.Combine(checkpoint, MeanName));
        _optimizer.Load(state);
        _mean.Load(mean);
        _weights.Publish();
        Step = position.Step;
    }

    private static TrainingPosition ReadPosition(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainingPosition>(File.ReadAllText(path), Json)!;
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            throw new CheckpointException($"'{path}' cannot be read ({error.Message}): delete the checkpoint's folder to go on from the one before it.", error);
        }
    }

    private sealed class Scope(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
