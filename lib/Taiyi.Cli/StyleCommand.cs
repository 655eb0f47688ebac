using System.CommandLine;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Spectre.Console;
using Taiyi.Data;
using Taiyi.Evaluation;
using Taiyi.Lora;

namespace Taiyi.Cli;

/// <summary><c>taiyi style emoji=FILE poster=FILE</c>: how near a base model and its LoRAs come to the training sets, and how many subjects they keep.</summary>
internal sealed class StyleCommand
{
    private readonly ModelOptions _model = new();

    private readonly Argument<string[]> _loras = new("NAME=FILE")
    {
        Description = "A style and its LoRA file, such as emoji=runs/emoji/pytorch_lora_weights.safetensors",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _output = new("--output", "-o") { Description = "Picture with a row for the base and one for each LoRA", HelpName = "FILE", DefaultValueFactory = _ => "style.png" };
    private readonly Option<long> _seed = new("--seed") { Description = "Seed of the pictures", HelpName = "N", DefaultValueFactory = _ => 7 };
    private readonly Option<int?> _steps = new("--steps") { Description = "Denoising steps; the model's own default if absent", HelpName = "N" };

    public static Command Create()
    {
        StyleCommand self = new();
        Command command = new("style", "Measure how near a model with and without LoRAs comes to the training sets, and which share of subjects it keeps") { self._loras, self._output, self._seed, self._steps };
        self._model.AddTo(command);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        (TrainingStyle Style, string File)[] loras = [.. parsed.GetRequiredValue(_loras).Select(Parse)];
        StyleStatistics[] sets = [.. loras.Select(lora => StyleStatistics.Of(ReadPictures(lora.Style)))];
        using StableDiffusionPipeline pipeline = _model.Load(parsed);

        List<(string Name, IReadOnlyList<Image<Rgb24>> Pictures)> rows = [("base", Draw(parsed, pipeline, TrainingStyle.PlainPrompts, cancellationToken))];
        foreach ((TrainingStyle style, string file) in loras)
        {
            LoraAdapter adapter = pipeline.LoadLora(file);
            rows.Add((style.Name + " LoRA", Draw(parsed, pipeline, style.HeldOutPrompts, cancellationToken)));
            pipeline.UnloadLora(adapter);
        }

        Print(rows, [.. loras.Select(lora => lora.Style.Name)], sets);
        string sheet = parsed.GetRequiredValue(_output);
        ImageFile.WritePng(sheet, ContactSheet.Compose([.. rows.Select(row => row.Pictures)]));
        Console.Out.WriteLine(sheet);
        return CommandRunner.Success;
    }

    private static (TrainingStyle Style, string File) Parse(string text)
    {
        int equals = text.IndexOf('=');
        TrainingStyle style = TrainingStyle.Of(equals < 0 ? text : text[..equals]);
        return equals > 0 && style.Words.Length > 0
            ? (style, text[(equals + 1)..])
            : throw new ArgumentException($"'{text}' is not NAME=FILE with the NAME emoji or poster, such as emoji=runs/emoji/{LoraFile.DefaultFileName}.");
    }

    private static IEnumerable<Image<Rgb24>> ReadPictures(TrainingStyle style) =>
        Text2ImageDataset.Open(style.FindData()).Entries.Select(entry => ImageFile.Read(entry.Path));

    private IReadOnlyList<Image<Rgb24>> Draw(ParseResult parsed, StableDiffusionPipeline pipeline, IReadOnlyList<string> prompts, CancellationToken cancellationToken)
    {
        GenerationOptions usual = pipeline.DefaultOptions, options = usual with
        {
            Seed = parsed.GetValue(_seed),
            NumInferenceSteps = parsed.GetValue(_steps) ?? usual.NumInferenceSteps,
        };
        using GenerationResult result = pipeline.Generate(prompts, options, cancellationToken: cancellationToken);
        return result.Images;
    }

    private static void Print(List<(string Name, IReadOnlyList<Image<Rgb24>> Pictures)> rows, string[] names, StyleStatistics[] sets)
    {
        Table table = new Table().AddColumn("distance (0 alike, 1 nothing in common)");
        foreach (string name in names)
        {
            table.AddColumn(new TableColumn($"to the {name} set").RightAligned());
        }

        table.AddColumn(new TableColumn("subjects kept").RightAligned());
        foreach ((string name, IReadOnlyList<Image<Rgb24>> pictures) in rows)
        {
            string kept = FormattableString.Invariant($"{SubjectStatistics.Kept(rows[0].Pictures, pictures):p0}");
            table.AddRow([name, .. Distances(StyleStatistics.Of(pictures)), kept]);
        }

        for (int i = 0; i < sets.Length; i++)
        {
            table.AddRow([$"{names[i]} set", .. Distances(sets[i]), ""]);
        }

        AnsiConsole.Write(table);

        IEnumerable<string> Distances(StyleStatistics statistics) =>
            sets.Select(set => FormattableString.Invariant($"{statistics.DistanceTo(set):f3}"));
    }
}
