using System.Diagnostics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Files;
using Taiyi.Lora;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Training;

/// <summary>Trains a LoRA on the UNet of a pipeline: Algorithm 1 of DDPM over the encoded data, with AdamW.</summary>
/// <remarks>
/// The same options, data and number of threads give the same bits, whether the run was stopped and resumed or not. While the
/// trainer lives its adapter is on the pipeline's UNet, so the pipeline draws in the style as far as it is learned.
/// </remarks>
public sealed class LoraTrainer : IDisposable
{
    private readonly StableDiffusionPipeline _pipeline;
    private readonly EncodedDataset _data;
    private readonly TrainingRun _run;
    private readonly LoraTrainingOptions _options;
    private readonly TrainingRandom _random;
    private readonly DiffusionLoss _loss;
    private readonly AdamW _optimizer;
    private readonly ExponentialMovingAverage? _mean;
    private readonly LearningRateSchedule _schedule;

    /// <summary>Puts a new adapter on the pipeline's UNet, or that of the run's newest checkpoint.</summary>
    /// <param name="pipeline">The model; the caller keeps it.</param>
    /// <param name="data">Encoded by this pipeline; the caller keeps it.</param>
    /// <param name="run">The folder of the run, new or to be resumed.</param>
    /// <exception cref="TrainingException">The run's checkpoint was trained on other data.</exception>
    public LoraTrainer(StableDiffusionPipeline pipeline, EncodedDataset data, TrainingRun run)
    {
        (_pipeline, _data, _run, _options) = (pipeline, data, run, run.Options);
        _random = new TrainingRandom(_options.RandomSeed);
        _loss = new DiffusionLoss(pipeline.UNet, pipeline.SchedulerConfig, pipeline.Vae.Config.ScalingFactor, _options.SnrGamma);
        _schedule = new LearningRateSchedule(_options.Decay, _options.LearningRate, _options.WarmupSteps, _options.TotalSteps(data.Count));

        using Generator generator = _random.For("first weights", 0);
        Adapter = LoraAdapter.Inject(pipeline.UNet, _options.Lora, generator);
        _optimizer = new AdamW(NamedWeights(Adapter), _options.WeightDecay);
        _mean = _options.EmaDecay is { } decay ? new ExponentialMovingAverage(NamedWeights(Adapter), decay) : null;
        if (run.LatestCheckpoint is { } checkpoint)
        {
            Resume(checkpoint);
        }

        run.TruncateLog(Step);
    }

    /// <summary>The LoRA that is trained.</summary>
    public LoraAdapter Adapter { get; }

    /// <summary>Optimizer steps taken so far.</summary>
    public long Step { get; private set; }

    /// <summary>Optimizer steps of the whole training.</summary>
    public long TotalSteps => _schedule.TotalSteps;

    /// <summary>Encodes a data set and trains a LoRA on it, in a new folder or on with the run of that folder.</summary>
    /// <param name="pipeline">The model; its UNet is as before when the call returns.</param>
    /// <param name="dataset">Pictures with captions.</param>
    /// <param name="run">The folder of the run.</param>
    /// <param name="progress">Told of every optimizer step.</param>
    /// <param name="cancellationToken">Saves a checkpoint and ends the call; so does <see cref="Interruption"/>.</param>
    public static LoraTrainingResult Train(
        StableDiffusionPipeline pipeline, Text2ImageDataset dataset, TrainingRun run,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using EncodedDataset data = EncodedDataset.LoadOrEncode(
            run.EncodedDataPath, pipeline, dataset, run.Options.HorizontalFlip, cancellationToken: cancellationToken);
        using LoraTrainer trainer = new(pipeline, data, run);
        return trainer.Train(progress, cancellationToken);
    }

    /// <summary>Trains to the end.</summary>
    /// <param name="progress">Told of every optimizer step, on this thread.</param>
    /// <param name="cancellationToken">Saves a checkpoint and ends the call; so does <see cref="Interruption"/>.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled; a checkpoint of the last whole step is saved.</exception>
    /// <exception cref="TrainingException">Loss or gradient is no finite number; the last good checkpoint is kept.</exception>
    /// <exception cref="IOException">The run's folder cannot be written; the earlier checkpoints are kept.</exception>
    public LoraTrainingResult Train(IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        bool checkpointing = _pipeline.UNet.GradientCheckpointing;
        _pipeline.UNet.GradientCheckpointing = _options.GradientCheckpointing;
        try
        {
            while (Step < TotalSteps)
            {
                TrainingProgress done = TakeStep(cancellation.Token);
                _run.Log(done);
                if (Step % _options.CheckpointEvery == 0)
                {
                    SaveCheckpoint();
                }

                if (_options.SampleEvery > 0 && Step % _options.SampleEvery == 0)
                {
                    DrawSamples(cancellation.Token);
                }

                progress?.Report(done);
            }
        }
        catch (OperationCanceledException)
        {
            SaveCheckpoint();
            throw;
        }
        finally
        {
            _pipeline.UNet.GradientCheckpointing = checkpointing;
            Adapter.Eval();
        }

        SaveCheckpoint();
        return Finish(cancellation.Token);
    }

    /// <summary>One optimizer step: the gradients of some batches, averaged, clipped, and taken by AdamW.</summary>
    /// <param name="cancellationToken">Looked at before every batch; a cancelled step changes no weight.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="TrainingException">Loss or gradient is no finite number.</exception>
    public TrainingProgress TakeStep(CancellationToken cancellationToken = default)
    {
        Stopwatch clock = Stopwatch.StartNew();
        double loss = 0, learningRate = _schedule.At(Step);
        _optimizer.ZeroGrad();
        for (int i = 0; i < _options.GradientAccumulation; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            loss += Backward(Step * _options.GradientAccumulation + i) / _options.GradientAccumulation;
        }

        double gradNorm = nn.utils.clip_grad_norm_(_optimizer.Parameters, _options.MaxGradNorm);
        RequireFinite(gradNorm, "The norm of the gradients", Step * _options.GradientAccumulation);
        _optimizer.Step(learningRate);
        Step++;
        _mean?.Update(Step);

        double epoch = (double)PicturesSeen / _data.Count;
        long liveTensors = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        return new TrainingProgress(Step, TotalSteps, epoch, loss, learningRate, gradNorm, clock.Elapsed.TotalSeconds, Environment.WorkingSet, liveTensors);
    }

    /// <summary>Takes the adapter off the pipeline's UNet and frees the state of the training.</summary>
    public void Dispose()
    {
        _mean?.Dispose();
        _optimizer.ZeroGrad();
        _optimizer.Dispose();
        Adapter.Dispose();
    }

    private long PicturesSeen => Step * _options.GradientAccumulation * _options.BatchSize;

    // One pass: pictures, the random numbers of Algorithm 1, loss, gradients. All randomness follows from the pass's number.
    private double Backward(long pass)
    {
        using var scope = NewDisposeScope();
        using Generator generator = _random.For("pass", pass);
        TrainingBatch batch = DrawBatch(pass, generator);
        DiffusionDraws draws = DiffusionDraws.Draw(
            batch.Mean.shape, _pipeline.SchedulerConfig.NumTrainTimesteps, generator, _options.NoiseOffset, _pipeline.Device);
        Adapter.Train(_options.RandomSeed, pass);
        Tensor loss = _loss.Compute(batch, draws);
        double value = loss.item<float>();
        RequireFinite(value, "The loss", pass);
        (loss / _options.GradientAccumulation).backward();
        return value;
    }

    private TrainingBatch DrawBatch(long pass, Generator generator)
    {
        using var scope = NewDisposeScope();
        Tensor chance = rand([2, _options.BatchSize], ScalarType.Float32, CPU, generator: generator);
        bool[] mirrored = [.. chance[0].data<float>().Select(p => p < 0.5f)];
        bool[] withoutCaption = [.. chance[1].data<float>().Select(p => p < _options.CaptionDropout)];
        TrainingBatch batch = _data.Batch(Pictures(pass), mirrored, withoutCaption);
        return new TrainingBatch(
            batch.Mean.MoveToOuterDisposeScope(), batch.Deviation.MoveToOuterDisposeScope(), batch.Context.MoveToOuterDisposeScope());
    }

    private long[] Pictures(long pass) => _random.Pictures(pass * _options.BatchSize, _options.BatchSize, _data.Count);

    private void RequireFinite(double value, string what, long pass)
    {
        if (!double.IsFinite(value))
        {
            string[] files = [.. Pictures(pass).Distinct().Select(i => _data.Entries[(int)i].FileName)];
            throw TrainingException.NotFinite(what, value, Step + 1, files, _run, _options.LearningRate, _pipeline.DType);
        }
    }

    private void Resume(string checkpoint)
    {
        TrainingPosition position = TrainingCheckpoint.Read(checkpoint, Adapter, _optimizer, _mean);
        if (position.DataHash != _data.Hash)
        {
            Dispose();
            throw new TrainingException(
                $"The run in '{_run.Folder}' was trained on other pictures or captions, or with another model: resume it with those, or start a new run in another folder.");
        }

        Step = position.Step;
    }

    private void SaveCheckpoint()
    {
        TrainingPosition position = new(Step, PicturesSeen, (double)PicturesSeen / _data.Count, _schedule.At(Step), _options.RandomSeed, _data.Hash);
        _run.WriteCheckpoint(Step, folder => TrainingCheckpoint.Write(folder, position, Adapter, _optimizer, _mean));
        _run.PruneCheckpoints(_options.KeepCheckpoints);
    }

    private LoraTrainingResult Finish(CancellationToken cancellationToken)
    {
        using IDisposable? mean = _mean?.Use();
        LoraFile.Write(_run.LoraPath, Adapter);
        string? sheet = null;
        if (_options.SamplePrompts.Count > 0)
        {
            Adapter.Enabled = false;
            IReadOnlyList<Image<Rgb24>> before = TrainingSamples.Draw(_pipeline, _options, cancellationToken);
            Adapter.Enabled = true;
            sheet = Path.Combine(_run.Folder, "base-and-lora.png");
            ImageFile.WritePng(sheet, ContactSheet.Compose([before, TrainingSamples.Draw(_pipeline, _options, cancellationToken)]));
        }

        return new LoraTrainingResult(_run.LoraPath, sheet, Step, RelativeChange());
    }

    private void DrawSamples(CancellationToken cancellationToken)
    {
        if (_options.SamplePrompts.Count > 0)
        {
            Adapter.Eval();
            using IDisposable? mean = _mean?.Use();
            ImageFile.WritePng(_run.SamplePath(Step), ContactSheet.Compose([TrainingSamples.Draw(_pipeline, _options, cancellationToken)]));
        }
    }

    private double RelativeChange()
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        double change = 0, whole = 0;
        foreach ((string path, LoraLayer layer) in Adapter.Layers)
        {
            change += SquaredNorm(layer.WeightUpdate());
            whole += SquaredNorm(_pipeline.UNet.get_parameter(path + ".weight")!);
        }

        return Math.Sqrt(change / whole);
    }

    private static double SquaredNorm(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to(ScalarType.Float64).square().sum().item<double>();
    }

    private static IEnumerable<KeyValuePair<string, Parameter>> NamedWeights(LoraAdapter adapter) =>
        adapter.Layers.SelectMany(layer => new KeyValuePair<string, Parameter>[] { new(layer.Key + ".lora_A", layer.Value.A), new(layer.Key + ".lora_B", layer.Value.B) });
}
