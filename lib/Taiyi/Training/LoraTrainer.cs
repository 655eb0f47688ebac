using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Files;
using Taiyi.Lora;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Training;

/// <summary>Trains a LoRA on the UNet of a pipeline: Algorithm 1 of DDPM over the encoded data, with AdamW.</summary>
/// <remarks>
/// While the trainer lives its adapter is on the pipeline's UNet, so the pipeline draws in the style as far as it is learned.
/// </remarks>
public sealed class LoraTrainer : Trainer
{
    private readonly StableDiffusionPipeline _pipeline;
    private readonly EncodedDataset _data;
    private readonly TrainingRun _run;
    private readonly LoraTrainingOptions _options;
    private readonly DiffusionLoss _loss;

    /// <summary>Puts a new adapter on the pipeline's UNet, or that of the run's newest checkpoint.</summary>
    /// <param name="pipeline">The model; the caller keeps it.</param>
    /// <param name="data">Encoded by this pipeline; the caller keeps it.</param>
    /// <param name="run">The folder of the run, new or to be resumed.</param>
    /// <param name="group">The processes that train together; this one alone if null. Losses and weights do not depend on how many they are.</param>
    /// <exception cref="TrainingException">
    /// The run's checkpoint was trained on other data, another process trains in the folder, or the processes have other data or another model.
    /// </exception>
    public LoraTrainer(StableDiffusionPipeline pipeline, EncodedDataset data, TrainingRun run, IProcessGroup? group = null)
        : base(run, run.Options, run.Options.TotalSteps(data.EpochCount), data.EpochCount, data.Hash, group)
    {
        if (group is { Size: > 1 })
        {
            group.RequireSame(data.Hash + WeightsHash.Of(pipeline.UNet.parameters()), "weights of the UNet or the data");
        }

        (_pipeline, _data, _run, _options) = (pipeline, data, run, run.Options);
        _loss = new DiffusionLoss(pipeline.UNet, pipeline.SchedulerConfig, pipeline.Vae.Config.ScalingFactor, _options.SnrGamma, _options.DebiasedEstimation);
        using Generator generator = Random.For("first weights", 0);
        Adapter = LoraAdapter.Inject(pipeline.UNet, _options.Lora, generator);
        Start(Adapter.Layers.SelectMany(layer => new KeyValuePair<string, Parameter>[] { new(layer.Key + ".lora_A", layer.Value.A), new(layer.Key + ".lora_B", layer.Value.B) }));
    }

    /// <summary>The LoRA that is trained.</summary>
    public LoraAdapter Adapter { get; }

    /// <summary>Encodes a data set and trains a LoRA on it, in a new folder or on with the run of that folder.</summary>
    /// <param name="pipeline">The model; its UNet is as before when the call returns.</param>
    /// <param name="dataset">Pictures with captions.</param>
    /// <param name="run">The folder of the run.</param>
    /// <param name="progress">Told of every optimizer step.</param>
    /// <param name="encoding">Told the number of pictures encoded, before the first step.</param>
    /// <param name="group">The processes that train together, each of which makes this call; this one alone if null.</param>
    /// <param name="cancellationToken">Saves a checkpoint and ends the call; so does <see cref="Interruption"/>.</param>
    public static LoraTrainingResult Train(
        StableDiffusionPipeline pipeline, Text2ImageDataset dataset, TrainingRun run,
        IProgress<TrainingProgress>? progress = null, IProgress<int>? encoding = null, IProcessGroup? group = null,
        CancellationToken cancellationToken = default)
    {
        using EncodedDataset data = EncodedDataset.LoadOrEncode(run.EncodedDataPath, pipeline, dataset, run.Options.HorizontalFlip, encoding, group, cancellationToken);
        using LoraTrainer trainer = new(pipeline, data, run, group);
        return trainer.Train(progress, cancellationToken);
    }

    /// <summary>Trains to the end.</summary>
    /// <param name="progress">Told of every optimizer step, on this thread.</param>
    /// <param name="cancellationToken">Saves a checkpoint and ends the call; so does <see cref="Interruption"/>.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled; a checkpoint of the last whole step is saved.</exception>
    /// <exception cref="TrainingException">Loss or gradient is not finite; the last good checkpoint is kept.</exception>
    /// <exception cref="IOException">The run's folder cannot be written; the earlier checkpoints are kept.</exception>
    public LoraTrainingResult Train(IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        bool checkpointing = _pipeline.UNet.GradientCheckpointing;
        _pipeline.UNet.GradientCheckpointing = _options.GradientCheckpointing;
        try
        {
            Loop(limit: null, progress, cancellation.Token);
        }
        finally
        {
            _pipeline.UNet.GradientCheckpointing = checkpointing;
            Adapter.Eval();
        }

        using IDisposable mean = UseMean();
        if (!IsFirst)
        {
            return new LoraTrainingResult(_run.LoraPath, null, Step, RelativeChange());
        }

        LoraFile.Write(_run.LoraPath, Adapter);
        return new LoraTrainingResult(_run.LoraPath, DrawBeforeAndAfter(cancellation.Token), Step, RelativeChange());
    }

    /// <inheritdoc/>
    protected override Tensor ComputeLoss(long pass, Generator generator)
    {
        using var scope = NewDisposeScope();
        long[] rows = OwnRows(pass);
        TrainingBatch batch = DrawBatch(pass, rows, generator);
        DiffusionDraws draws = DiffusionDraws.Draw(
            [_options.BatchSize, .. _data.LatentShape], _pipeline.SchedulerConfig.NumTrainTimesteps, generator, _options.NoiseOffset, _pipeline.Device);
        Adapter.Train(_options.RandomSeed, pass, rows);
        return _loss.Compute(batch, draws.Of(rows)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<string> ImagesOf(long pass)
    {
        long[] numbers = Numbers(pass);
        return [.. OwnRows(pass).Select(row => numbers[row]).Distinct().Select(i => _data.Entries[(int)i].FileName)];
    }

    /// <inheritdoc/>
    protected override void DrawSamples(string path, CancellationToken cancellationToken)
    {
        if (_options.SamplePrompts.Count > 0)
        {
            Adapter.Eval();
            ImageFile.WritePng(path, ContactSheet.Compose([TrainingSamples.Draw(_pipeline, _options, cancellationToken)]));
        }
    }

    /// <inheritdoc/>
    protected override void WriteWeights(string folder) => LoraFile.Write(Path.Combine(folder, LoraFile.DefaultFileName), Adapter);

    /// <inheritdoc/>
    protected override void ReadWeights(string folder)
    {
        using LoraFile lora = LoraFile.Read(Path.Combine(folder, LoraFile.DefaultFileName));
        Adapter.CopyFrom(lora);
    }

    /// <summary>Takes the adapter off the pipeline's UNet and frees the state of the training.</summary>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Adapter.Dispose();
    }

    // The random numbers are those of the whole batch, whoever computes its rows.
    private TrainingBatch DrawBatch(long pass, long[] rows, Generator generator)
    {
        using var scope = NewDisposeScope();
        Tensor chance = rand([2, _options.BatchSize], ScalarType.Float32, CPU, generator: generator);
        bool[] mirrored = [.. chance[0].data<float>().Select(p => p < 0.5f)];
        bool[] withoutCaption = [.. chance[1].data<float>().Select(p => p < _options.CaptionDropout)];
        long[] numbers = Numbers(pass);
        TrainingBatch batch = _data.Batch([.. rows.Select(row => numbers[row])], [.. rows.Select(row => mirrored[row])], [.. rows.Select(row => withoutCaption[row])]);
        return new TrainingBatch(
            batch.Mean.MoveToOuterDisposeScope(), batch.Deviation.MoveToOuterDisposeScope(), batch.Context.MoveToOuterDisposeScope());
    }

    private long[] Numbers(long pass) => [.. Random.Images(pass * _options.BatchSize, _options.BatchSize, _data.EpochCount).Select(_data.ImageAt)];

    private string? DrawBeforeAndAfter(CancellationToken cancellationToken)
    {
        if (_options.SamplePrompts.Count == 0)
        {
            return null;
        }

        Adapter.Enabled = false;
        IReadOnlyList<Image<Rgb24>> before = TrainingSamples.Draw(_pipeline, _options, cancellationToken);
        Adapter.Enabled = true;
        string sheet = Path.Combine(_run.Folder, "base-and-lora.png");
        ImageFile.WritePng(sheet, ContactSheet.Compose([before, TrainingSamples.Draw(_pipeline, _options, cancellationToken)]));
        return sheet;
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
}
