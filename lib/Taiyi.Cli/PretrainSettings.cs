using System.CommandLine;
using Spectre.Console;
using Taiyi.Workshop.Pretraining;
using TorchSharp;

namespace Taiyi.Cli;

/// <summary>The options that <c>taiyi pretrain vae</c>, <c>taiyi pretrain diffusion</c> and <c>taiyi distill</c> have in common.</summary>
internal sealed class PretrainSettings
{
    private readonly Option<string> _data = new("--data")
    {
        Description = "Art archive (data/art) or a folder of pictures with captions",
        HelpName = "DIR",
        DefaultValueFactory = _ => "data/art",
    };

    private readonly Option<string> _output = new("--output", "-o") { Description = "Folder of the training and what it makes", HelpName = "DIR", Required = true };
    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with the training in that folder, with its own settings; --steps may be another" };
    private readonly Option<long?> _steps = new("--steps") { Description = "Optimizer steps of the whole training, over all runs; the learning rate falls to 0 at the end", HelpName = "N" };
    private readonly Option<double?> _minutes = new("--minutes") { Description = "Longest time of this run; go on later with --resume", HelpName = "M" };
    private readonly Option<int?> _size = new("--size") { Description = "Side of the pictures in pixels (64 if absent)", HelpName = "PX" };
    private readonly ArtSelection _art = new();
    private readonly Option<bool> _mirror = new("--mirror") { Description = "Mirror every other picture of a folder" };
    private readonly Option<int?> _batchSize = new("--batch-size") { Description = "Pictures of a step", HelpName = "B" };
    private readonly Option<double?> _learningRate = new("--lr") { Description = "Peak learning rate", HelpName = "RATE" };
    private readonly Option<int?> _seed = new("--seed") { Description = "Seed of everything random", HelpName = "N" };
    private readonly Option<int?> _sampleEvery = new("--sample-every") { Description = "Steps between two sample sheets, 0 for none", HelpName = "N" };
    private readonly Option<int?> _checkpointEvery = new("--checkpoint-every") { Description = "Steps between two checkpoints", HelpName = "N" };
    private readonly ModelOptions _model = new();

    /// <summary>Adds them.</summary>
    /// <param name="command">The verb.</param>
    /// <param name="fromNothing">Whether networks are made from nothing, whose pictures have a size to choose. A training that takes a whole model computes in float32 unless it is told otherwise.</param>
    public void AddTo(Command command, bool fromNothing = true)
    {
        if (fromNothing)
        {
            command.Add(_size);
        }
        else
        {
            _model.DType.Description = "What the model's weights are kept in: float32 or bfloat16; float32 if absent";
        }

        foreach (Option option in (Option[])
            [_data, _output, _resume, _steps, _minutes, .. _art.Options, _mirror, _batchSize, _learningRate, _seed, _sampleEvery,
             _checkpointEvery, _model.DType, _model.DeviceName, _model.Threads])
        {
            command.Add(option);
        }
    }

    public string Output(ParseResult parsed) => parsed.GetRequiredValue(_output);

    public string RunFolder(ParseResult parsed, string name) => Path.Combine(Output(parsed), name);

    public string ModelFolder(ParseResult parsed) => Path.Combine(Output(parsed), "model");

    public bool Resumes(ParseResult parsed) => parsed.GetValue(_resume);

    public long? Steps(ParseResult parsed) => parsed.GetValue(_steps);

    public torch.Device Device(ParseResult parsed)
    {
        _model.ApplyThreads(parsed);
        return ModelOptions.ParseDevice(parsed.GetValue(_model.DeviceName)!);
    }

    /// <summary>What a training that takes a whole model keeps its weights in: that of the run it goes on with, else what the command line says, else float32.</summary>
    public torch.ScalarType? DType(ParseResult parsed, PretrainingOptions? resumed) =>
        ModelOptions.ParseDType(resumed?.DType.ToLowerInvariant() ?? parsed.GetValue(_model.DType) ?? "float32");

    /// <summary>The data that the command line names.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="size">Side of the pictures in pixels; that of <c>--size</c>, else 64, if null.</param>
    public PretrainingData Data(ParseResult parsed, int? size = null) => _art.Select(parsed, new PretrainingData
    {
        Path = Path.GetFullPath(parsed.GetRequiredValue(_data)),
        Size = size ?? parsed.GetValue(_size) ?? 64,
        Mirror = parsed.GetValue(_mirror),
        Seed = parsed.GetValue(_seed) ?? 0,
    });

    /// <summary>The options with everything else that the command line says.</summary>
    public T Overlay<T>(ParseResult parsed, T options)
        where T : PretrainingOptions
    {
        long? steps = parsed.GetValue(_steps) ?? options.Steps;
        return options with
        {
            Steps = steps,
            WarmupSteps = steps is { } all ? (int)Math.Min(options.WarmupSteps, all / 10) : options.WarmupSteps, // a short run, too, must reach its peak rate
            BatchSize = parsed.GetValue(_batchSize) ?? options.BatchSize,
            LearningRate = parsed.GetValue(_learningRate) ?? options.LearningRate,
            RandomSeed = parsed.GetValue(_seed) ?? options.RandomSeed,
            SampleEvery = parsed.GetValue(_sampleEvery) ?? options.SampleEvery,
            CheckpointEvery = parsed.GetValue(_checkpointEvery) ?? options.CheckpointEvery,
            DType = ModelOptions.ParseDType(parsed.GetValue(_model.DType))?.ToString() ?? options.DType,
        };
    }

    /// <summary>Trains with a view of it on standard error.</summary>
    public void Train(ParseResult parsed, Pretrainer trainer, string folder, CancellationToken cancellationToken)
    {
        TimeSpan? limit = parsed.GetValue(_minutes) is { } minutes ? TimeSpan.FromMinutes(minutes) : null;
        TrainingView.Show(trainer.TotalSteps, view => trainer.Train(limit, view, cancellationToken));
        string rest = trainer.Step < trainer.TotalSteps ? ": --resume goes on" : "";
        CommandRunner.Error.MarkupLineInterpolated($"{trainer.Step} of {trainer.TotalSteps} steps are done in '{folder}'{rest}.");
    }
}
