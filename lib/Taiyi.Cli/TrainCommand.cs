using System.CommandLine;
using Spectre.Console;
using Taiyi.Data;
using Taiyi.Distributed;
using Taiyi.Training;

namespace Taiyi.Cli;

/// <summary><c>taiyi train emoji|poster</c>: a LoRA from pictures with captions.</summary>
internal sealed class TrainCommand
{
    private readonly ModelOptions _model = new();
    private readonly TrainingSettings _settings = new();
    private readonly EmbeddingOption _embedding = new();

    private readonly Argument<string> _style = new("STYLE")
    {
        Description = "emoji, poster, or a word of your own together with --data",
    };

    private readonly Option<string?> _data = new("--data") { Description = "Folder of pictures and captions; data/STYLE if absent", HelpName = "DIR" };

    private readonly Option<string?> _output = new("--output", "-o") { Description = "Folder of the run; runs/STYLE if absent", HelpName = "DIR" };

    private readonly Option<bool> _resume = new("--resume") { Description = "Go on with the run in that folder, with its own settings" };

    private readonly Option<string?> _tinyVae = new("--tiny-vae")
    {
        Description = "Decode the sample pictures by a tiny VAE: taesd_decoder.safetensors (TAESD) or the file or folder of diffusers' AutoencoderTiny",
        HelpName = "FILE",
    };

    public static Command Create()
    {
        TrainCommand self = new();
        Command command = new("train", "Train a LoRA: a style in one small file") { self._style, self._data, self._output, self._resume, self._tinyVae };
        self._settings.AddTo(command);
        self._embedding.AddTo(command);
        self._model.DType.Description = "float32 or bfloat16; float32 if absent";
        self._model.AddTo(command);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        IProcessGroup group = Launcher.Find().Join();
        try
        {
            Train(parsed, group, cancellationToken);
            group.Finish(cancellationToken);
            return CommandRunner.Success;
        }
        catch (OperationCanceledException) when (group.Rank > 0)
        {
            return CommandRunner.Interrupted; // process 0 says it
        }
        catch (Exception fault) when (group.Rank > 0 && CommandRunner.IsSentence(fault))
        {
            throw new TrainingException($"Process {group.Rank} of 0 to {group.Size - 1}, on {Environment.MachineName}: {fault.Message}", fault);
        }
    }

    // What every process of the training does; process 0 alone opens the run, and says how it goes.
    private void Train(ParseResult parsed, IProcessGroup group, CancellationToken cancellationToken)
    {
        bool isFirst = group.Rank == 0;
        Style style = Style.Of(parsed.GetRequiredValue(_style));
        string folder = parsed.GetValue(_output) ?? Path.Combine("runs", style.Name);
        LoraTrainingOptions? saved = parsed.GetValue(_resume) ? Share(group, isFirst ? TrainingRun.Open(folder).Options : null) : null;
        string dataFolder = parsed.GetValue(_data) ?? saved?.Data ?? StyleData.Find(style);
        string modelPath = parsed.GetValue(_model.Model) ?? saved?.Model ?? DefaultModel.Find();
        IReadOnlyList<string> embeddings = _embedding.References(parsed) is { Count: > 0 } given ? given : saved?.Embeddings ?? [];
        string? tinyVae = parsed.GetValue(_tinyVae) is { } tiny ? Path.GetFullPath(tiny) : saved?.TinyVae;
        string dtype = parsed.GetValue(_model.DType) ?? saved?.DType.ToLowerInvariant() ?? "float32";
        _model.ApplyThreads(parsed);

        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(
            modelPath, ModelOptions.ParseDevice(parsed.GetValue(_model.DeviceName)!), ModelOptions.ParseDType(dtype));
        EmbeddingOption.Load(embeddings, pipeline);
        if (tinyVae is not null)
        {
            pipeline.LoadTinyVae(tinyVae);
        }

        int size = pipeline.SampleSize * pipeline.VaeConfig.DownscaleFactor;
        Text2ImageDataset dataset = Text2ImageDataset.Open(dataFolder, new Text2ImageOptions { Size = size });
        TrainingRun? opened = !isFirst ? null : saved is null
            ? TrainingRun.Create(folder, NewOptions(parsed, style, dataset) with { Model = Path.GetFullPath(modelPath), Data = Path.GetFullPath(dataFolder), Embeddings = embeddings, TinyVae = tinyVae, DType = pipeline.DType.ToString() })
            : Reopen(parsed, folder);
        LoraTrainingOptions options = Share(group, opened?.Options);
        if (!isFirst)
        {
            Train(pipeline, dataset, TrainingRun.Join(folder, options), group, null, cancellationToken);
            return;
        }

        CommandRunner.Warn(dataset.Notes.Concat(CaptionLosses.Of(pipeline.Tokenizer, dataset.Entries)));
        try
        {
            Report(TrainingView.Show(dataset.Count, options.TotalSteps(dataset.EpochCount), view => Train(pipeline, dataset, opened!, group, view, cancellationToken)));
        }
        catch (OperationCanceledException)
        {
            string others = group.Size == 1 ? "" : $"The training was stopped, or another of its {group.Size} processes ended: see what the launcher says. ";
            string saves = opened!.LatestCheckpoint is null ? "Nothing was learned yet; begin" : "What was learned so far is saved; go on";
            CommandRunner.Error.MarkupLineInterpolated($"{others}{saves} with: taiyi train {style.Name} --output {folder} --resume");
            throw;
        }
    }

    private static LoraTrainingResult Train(
        StableDiffusionPipeline pipeline, Text2ImageDataset dataset, TrainingRun run, IProcessGroup group, TrainingView? view, CancellationToken cancellationToken)
    {
        using EncodedDataset data = EncodedDataset.LoadOrEncode(run.EncodedDataPath, pipeline, dataset, run.Options.HorizontalFlip, view, group, cancellationToken);
        if (data.Note is { } note && view is not null)
        {
            CommandRunner.Warn([note]);
        }

        using LoraTrainer trainer = new(pipeline, data, run, group);
        return trainer.Train(view, cancellationToken);
    }

    // The options of process 0, in every process: its own command line and its own view of the folder need not agree.
    private static LoraTrainingOptions Share(IProcessGroup group, LoraTrainingOptions? options) =>
        TrainingOptions.FromJson<LoraTrainingOptions>(group.BroadcastText(options?.ToJson()));

    private LoraTrainingOptions NewOptions(ParseResult parsed, Style style, Text2ImageDataset dataset)
    {
        IReadOnlyList<string> prompts = style.SamplePrompts.Count > 0 ? style.SamplePrompts : [.. dataset.Entries.Take(4).Select(entry => entry.Caption)];
        return _settings.Overlay(parsed, LoraTrainingOptions.Recipe(_settings.Recipe(parsed)) with { SamplePrompts = prompts });
    }

    // A run that goes on must go on as it began: other settings would be another training.
    private TrainingRun Reopen(ParseResult parsed, string folder)
    {
        TrainingRun run = TrainingRun.Open(folder);
        return _settings.Overlay(parsed, run.Options).ToJson() == run.Options.ToJson()
            ? run
            : throw new ArgumentException($"--resume goes on with the settings in '{folder}', and the command line has others: leave them out, or start a new run in another folder.");
    }

    private static void Report(LoraTrainingResult result)
    {
        CommandRunner.Error.MarkupLineInterpolated($"{result.Steps} steps; the weights moved by {result.RelativeChange:p3} of their norm.");
        Console.Out.WriteLine(result.LoraPath);
        if (result.ContactSheet is { } sheet)
        {
            Console.Out.WriteLine(sheet);
        }
    }
}
