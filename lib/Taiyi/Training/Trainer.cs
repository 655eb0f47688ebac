using System.Diagnostics;
using System.Globalization;
using Taiyi.Cpu;
using Taiyi.Files;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Training;

/// <summary>The loop of every training: steps, log, checkpoints, samples, resuming. Its subclasses define what is learned.</summary>
/// <remarks>
/// All randomness follows from the options' seed and the number of the pass (<see cref="TrainingRandom"/>): with the same number of
/// threads a run that was stopped and resumed gives the same bits as one that went through.
/// </remarks>
public abstract class Trainer : IDisposable
{
    private readonly RunFolder _run;
    private readonly TrainingOptions _options;
    private readonly string _dataHash;
    private readonly int _pictures;
    private readonly LearningRateSchedule _schedule;
    private readonly IProcessGroup _group;
    private FileStream? _lock;
    private MasterWeights _weights = null!;
    private AdamW _optimizer = null!;
    private GradientExchange? _exchange;
    private ExponentialMovingAverage? _mean;

    /// <summary>Prepares a training; the subclass then calls <see cref="Start"/> with the weights to train.</summary>
    /// <param name="run">The folder of the run, new or to be resumed.</param>
    /// <param name="options">How to train.</param>
    /// <param name="totalSteps">Optimizer steps of the whole training.</param>
    /// <param name="pictures">Pictures of an epoch.</param>
    /// <param name="dataHash">Another one means other data, with which the run cannot go on.</param>
    /// <param name="group">The processes that train together; this one alone if null.</param>
    /// <exception cref="TrainingException">There are more processes than pictures in a step.</exception>
    protected Trainer(RunFolder run, TrainingOptions options, long totalSteps, int pictures, string dataHash, IProcessGroup? group = null)
    {
        (_run, _options, _pictures, _dataHash) = (run, options, pictures, dataHash);
        _group = group ?? new SingleProcess();
        int picturesOfStep = options.BatchSize * options.GradientAccumulation;
        if (picturesOfStep < _group.Size)
        {
            throw new TrainingException(
                $"A step has {picturesOfStep} pictures (batch size {options.BatchSize} x {options.GradientAccumulation} passes) and the training {_group.Size} processes, each of which needs one: start fewer processes, or use a larger --batch-size.");
        }

        _schedule = new LearningRateSchedule(options.Decay, options.LearningRate, options.WarmupSteps, totalSteps);
        Random = new TrainingRandom(options.RandomSeed);
    }

    /// <summary>Optimizer steps taken so far, in all runs together.</summary>
    public long Step { get; private set; }

    /// <summary>Optimizer steps of the whole training.</summary>
    public long TotalSteps => _schedule.TotalSteps;

    /// <summary>All random numbers of the training.</summary>
    protected TrainingRandom Random { get; }

    /// <summary>Whether this process logs, draws samples and writes files; every other one computes alone.</summary>
    protected bool IsFirst => _group.Rank == 0;

    private long PicturesSeen => Step * _options.GradientAccumulation * _options.BatchSize;

    /// <summary>One optimizer step: the gradients of some passes, averaged, clipped, and taken by AdamW.</summary>
    /// <param name="cancellationToken">Looked at before every pass; a cancelled step changes no weight.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="TrainingException">Loss or gradient is not finite.</exception>
    public TrainingProgress TakeStep(CancellationToken cancellationToken = default)
    {
        Stopwatch clock = Stopwatch.StartNew();
        double loss = 0, learningRate = _schedule.At(Step);
        _optimizer.ZeroGrad();
        for (int i = 0; i < _options.GradientAccumulation; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            loss += Backward((Step * _options.GradientAccumulation) + i) / _options.GradientAccumulation;
        }

        _weights.TakeGradients();
        double exchangeSeconds = Exchange(ref loss, cancellationToken);
        double gradNorm = ClipGradients();
        _optimizer.Step(learningRate);
        _weights.Publish();
        Step++;
        _mean?.Update(Step);

        long liveTensors = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        return new TrainingProgress(
            Step, TotalSteps, (double)PicturesSeen / _pictures, loss, learningRate, gradNorm, clock.Elapsed.TotalSeconds, Environment.WorkingSet, liveTensors, exchangeSeconds);
    }

    /// <summary>Frees the state of the training, and lets others train in the run's folder.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Takes the run's folder for itself, and begins with the weights as they are or with the run's newest checkpoint.</summary>
    /// <param name="weights">What is trained, by names that identify it in a checkpoint.</param>
    /// <exception cref="TrainingException">Another process trains in the folder, or the run's checkpoint was trained on other data.</exception>
    /// <exception cref="CheckpointException">The checkpoint is damaged or of another training.</exception>
    protected void Start(IEnumerable<KeyValuePair<string, Parameter>> weights)
    {
        HeapHoles.Keep();
        _weights = new MasterWeights(weights);
        _optimizer = new AdamW(_weights.Named, _options.WeightDecay, beta2: _options.AdamBeta2);
        _mean = _options.EmaDecay is { } decay ? new ExponentialMovingAverage(_weights.Named, decay) : null;
        try
        {
            if (IsFirst)
            {
                Open();
            }

            if (_group.Size > 1)
            {
                _exchange = new GradientExchange(_group, [.. _optimizer.Parameters]);
                ShareState();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Trains on, at most to the end, and saves a checkpoint however it ends.</summary>
    /// <param name="limit">How long; to the end if null.</param>
    /// <param name="progress">Told of every optimizer step, on this thread.</param>
    /// <param name="cancellationToken">Ends the loop.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled; a checkpoint of the last whole step is saved.</exception>
    /// <exception cref="TrainingException">Loss or gradient is not finite; the last good checkpoint is kept.</exception>
    /// <exception cref="IOException">The run's folder cannot be written; the earlier checkpoints are kept.</exception>
    protected void Loop(TimeSpan? limit, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        Stopwatch clock = Stopwatch.StartNew();
        try
        {
            while (Step < TotalSteps && !(clock.Elapsed > limit))
            {
                TrainingProgress done = TakeStep(cancellationToken);
                if (IsFirst)
                {
                    _run.Log(done);
                    SaveAndSample(cancellationToken);
                }

                progress?.Report(done);
            }
        }
        catch (OperationCanceledException)
        {
            SaveCheckpoint();
            throw;
        }

        SaveCheckpoint();
    }

    /// <summary>
    /// Which pictures of a pass's batch this process computes: picture j of a step, counted over all its passes, is that of process j mod N.
    /// </summary>
    /// <param name="pass">Number of the pass.</param>
    /// <returns>Their places in the batch, rising; all of them in a training of one process.</returns>
    protected long[] OwnRows(long pass)
    {
        long before = pass % _options.GradientAccumulation * _options.BatchSize;
        return [.. Enumerable.Range(0, _options.BatchSize).Where(row => (before + row) % _group.Size == _group.Rank).Select(row => (long)row)];
    }

    /// <summary>Puts the running mean of the weights in their place, as long as the returned scope lives.</summary>
    protected IDisposable UseMean()
    {
        IDisposable? mean = _mean?.Use();
        _weights.Publish();
        return new Scope(() =>
        {
            mean?.Dispose();
            _weights.Publish();
        });
    }

    /// <summary>The mean loss of one pass's pictures that are this process's, a scalar in float32 with its graph; the caller owns it.</summary>
    /// <param name="pass">Number of the pass: 0 for the first of the training. <see cref="OwnRows"/> are its pictures, one at least.</param>
    /// <param name="generator">The pass's random numbers.</param>
    protected abstract Tensor ComputeLoss(long pass, Generator generator);

    /// <summary>File names of a pass's pictures, for errors; none where they have none.</summary>
    protected virtual IReadOnlyList<string> ImagesOf(long pass) => [];

    /// <summary>Draws samples of the current state, with the running mean of the weights.</summary>
    protected abstract void DrawSamples(string path, CancellationToken cancellationToken);

    /// <summary>Writes the weights into the folder of a checkpoint.</summary>
    protected virtual void WriteWeights(string folder) => TrainingCheckpoint.WriteWeights(folder, _weights.Named);

    /// <summary>Takes over what <see cref="WriteWeights"/> wrote.</summary>
    protected virtual void ReadWeights(string folder) => TrainingCheckpoint.ReadWeights(folder, _weights.Named);

    /// <summary>Frees what the training owns.</summary>
    protected virtual void Dispose(bool disposing)
    {
        _optimizer?.ZeroGrad();
        _optimizer?.Dispose();
        _mean?.Dispose();
        _weights?.Dispose();
        _lock?.Dispose();
    }

    private double Backward(long pass)
    {
        using var scope = NewDisposeScope();
        double share = OwnRows(pass).Length / (double)_options.BatchSize;
        if (share == 0)
        {
            return 0;
        }

        using Generator generator = Random.For("pass", pass);
        Tensor loss = ComputeLoss(pass, generator);
        double value = loss.item<float>();
        RequireFinite(value, "The loss", pass);
        (loss / (_options.GradientAccumulation / share)).backward();
        return value * share;
    }

    // Gradients and loss of this process's pictures become those of all. Seconds of the sum itself, without the waiting for the slowest process.
    private double Exchange(ref double loss, CancellationToken cancellationToken)
    {
        if (_exchange is null)
        {
            return 0;
        }

        // Checked before the sum, after which nobody could tell whose pictures they were.
        RequireFinite(_exchange.Collect(loss), "The norm of the gradients", Step * _options.GradientAccumulation);
        _group.Barrier(cancellationToken);
        Stopwatch clock = Stopwatch.StartNew();
        loss = _exchange.Sum(cancellationToken);
        return clock.Elapsed.TotalSeconds;
    }

    private double ClipGradients()
    {
        using var scope = NewDisposeScope();
        double gradNorm = nn.utils.clip_grad_norm_(_optimizer.Parameters, _options.MaxGradNorm);
        RequireFinite(gradNorm, "The norm of the gradients", Step * _options.GradientAccumulation);
        return gradNorm;
    }

    private void RequireFinite(double value, string what, long pass)
    {
        if (!double.IsFinite(value))
        {
            throw TrainingException.NotFinite(what, value, Step + 1, ImagesOf(pass), _run, _options);
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

    private void SaveCheckpoint()
    {
        if (!IsFirst)
        {
            return;
        }

        TrainingPosition position = new(Step, PicturesSeen, (double)PicturesSeen / _pictures, _schedule.At(Step), _options.RandomSeed, _dataHash);
        _run.WriteCheckpoint(Step, folder =>
        {
            WriteWeights(folder);
            TrainingCheckpoint.Write(folder, position, _optimizer, _mean);
        });
        _run.PruneCheckpoints(_options.KeepCheckpoints);
    }

    private void Open()
    {
        _lock = _run.Lock();
        if (_run.LatestCheckpoint is { } checkpoint)
        {
            Resume(checkpoint);
        }

        _run.TruncateLog(Step);
    }

    // Process 0 has read the checkpoint; the others take weights, moments and mean from it, and need not see its folder.
    private void ShareState()
    {
        using IDisposable noGrad = no_grad();
        Step = long.Parse(_group.BroadcastText(Step.ToString(CultureInfo.InvariantCulture)), CultureInfo.InvariantCulture);
        foreach (Tensor tensor in _weights.Named.Select(weight => (Tensor)weight.Value).Concat(_optimizer.Moments).Concat(_mean?.State.Select(mean => mean.Value) ?? []))
        {
            using var scope = NewDisposeScope();
            Tensor onCpu = tensor.detach().cpu().contiguous();
            byte[] values = onCpu.bytes.ToArray();
            _group.Broadcast(values);
            values.CopyTo(onCpu.bytes);
            tensor.copy_(onCpu);
        }

        _optimizer.StepCount = Step;
        _weights.Publish();
    }

    private void Resume(string checkpoint)
    {
        try
        {
            TrainingPosition position = TrainingCheckpoint.Read(checkpoint, _optimizer, _mean);
            if (position.DataHash != _dataHash)
            {
                throw new TrainingException(
                    $"The run in '{_run.Folder}' was trained on other pictures or captions, or with another model: resume it with those, or start a new run in another folder.");
            }

            ReadWeights(checkpoint);
            _weights.Publish();
            Step = position.Step;
        }
        catch (CheckpointException error)
        {
            throw new CheckpointException($"The checkpoint '{checkpoint}' cannot be used: {error.Message} Delete its folder to go on from the one before it.", error);
        }
    }

    private sealed class Scope(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
