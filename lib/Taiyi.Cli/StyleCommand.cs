using System.CommandLine;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Spectre.Console;
using Taiyi.Data;
using Taiyi.Evaluation;
using Taiyi.Lora;

namespace Taiyi.Cli;

/// <summary>
/// <c>taiyi style emoji=FILE poster=FILE</c>: how many subjects a LoRA keeps, and how near it comes to its own training set and to
/// the other, for the 20 held-out subjects of <see cref="Style"/> and several seeds.
/// </summary>
internal sealed class StyleCommand
{
    private readonly ModelOptions _model = new();

    private readonly Argument<string[]> _loras = new("NAME=FILE")
    {
        Description = "A style and its LoRA file, such as emoji=runs/emoji/pytorch_lora_weights.safetensors",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string> _output = new("--output", "-o") { Description = "Picture with rows for the base and each LoRA, for each seed; _2, _3, … is put behind a name that is taken", HelpName = "FILE", DefaultValueFactory = _ => "style.png" };
    private readonly Option<long?> _seed = SeedOption.Create("First seed of the pictures; 7 if absent");
    private readonly Option<int> _seeds = new("--seeds") { Description = "Number of seeds, each drawing all 20 subjects: 1 or more", HelpName = "N", DefaultValueFactory = _ => 3 };
    private readonly Option<int?> _steps = new("--steps") { Description = "Denoising steps; the model's own default if absent", HelpName = "N" };

    public static Command Create()
    {
        StyleCommand self = new();
        Command command = new("style", "Measure which share of held-out subjects LoRAs keep, and how near they come to the training sets") { self._loras, self._output, self._seed, self._seeds, self._steps };
        self._seeds.Validators.Add(result => { if (result.GetValueOrDefault<int>() < 1) { result.AddError("--seeds is 1 or more."); } });
        self._model.AddTo(command);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        string sheet = OutputPath.Free(parsed.GetRequiredValue(_output));
        using OutputFolder folder = OutputFolder.Open(Path.GetDirectoryName(Path.GetFullPath(sheet))!);
        (Style Style, string File)[] loras = [.. parsed.GetRequiredValue(_loras).Select(Parse)];
        Dictionary<Style, StyleStatistics> sets = new[] { Style.Emoji, Style.Poster }.ToDictionary(style => style, style => StyleStatistics.Of(ReadPictures(style)));
        using StableDiffusionPipeline pipeline = _model.Load(parsed);

        IReadOnlyList<Image<Rgb24>>[] basePictures = Draw(parsed, pipeline, Style.PlainPrompts, cancellationToken);
        Table table = NewTable();
        List<IReadOnlyList<Image<Rgb24>>[]> sheets = [basePictures];
        foreach ((Style style, string file) in loras)
        {
            LoraAdapter adapter = pipeline.LoadLora(file);
            IReadOnlyList<Image<Rgb24>>[] pictures = Draw(parsed, pipeline, style.HeldOutPrompts, cancellationToken);
            pipeline.UnloadLora(adapter);
            sheets.Add(pictures);
            Add(table, $"{style.Name} LoRA", StyleScore.Of(basePictures, pictures, sets[style], sets[Other(style)]), kept: true);
        }

        foreach (Style style in loras.Select(lora => lora.Style).Distinct())
        {
            Add(table, $"base, as {style.Name}", StyleScore.Of(basePictures, basePictures, sets[style], sets[Other(style)]), kept: false);
        }

        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(FormattableString.Invariant($"Between the two sets: {sets[Style.Emoji].DistanceTo(sets[Style.Poster]):f3}."));
        ImageFile.WritePng(sheet, ContactSheet.Compose([.. Enumerable.Range(0, basePictures.Length).SelectMany(seed => sheets.Select(pictures => pictures[seed]))]));
        Console.Out.WriteLine(sheet);
        return CommandRunner.Success;
    }

    private static Style Other(Style style) => style == Style.Emoji ? Style.Poster : Style.Emoji;

    private static (Style Style, string File) Parse(string text)
    {
        int equals = text.IndexOf('=');
        Style style = Style.Of(equals < 0 ? text : text[..equals]);
        return equals > 0 && style.Words.Length > 0
            ? (style, text[(equals + 1)..])
            : throw new ArgumentException($"'{text}' is not NAME=FILE with the NAME emoji or poster, such as emoji=runs/emoji/{LoraFile.DefaultFileName}.");
    }

    private static IEnumerable<Image<Rgb24>> ReadPictures(Style style) =>
        Text2ImageDataset.Open(StyleData.Find(style)).Entries.Select(entry => ImageFile.Read(entry.Path));

    // All prompts, once for each seed, at the size that the model was trained at.
    private IReadOnlyList<Image<Rgb24>>[] Draw(ParseResult parsed, StableDiffusionPipeline pipeline, IReadOnlyList<string> prompts, CancellationToken cancellationToken) =>
    [
        .. Enumerable.Range(0, parsed.GetValue(_seeds)).Select(number =>
        {
            GenerationOptions usual = pipeline.DefaultOptions, options = usual with
            {
                Seed = (parsed.GetValue(_seed) ?? 7) + number,
                NumInferenceSteps = parsed.GetValue(_steps) ?? usual.NumInferenceSteps,
            };
            using GenerationResult result = pipeline.Generate(prompts, options, cancellationToken: cancellationToken);
            return result.Images;
        }),
    ];

    private static Table NewTable()
    {
        Table table = new Table().AddColumn("").Caption("Mean ± deviation over seeds; distances: 0 alike, 1 nothing in common");
        foreach (string column in new[] { "subjects kept", "to its own set", "to the other set", "nearer by" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        return table;
    }

    private static void Add(Table table, string name, StyleScore score, bool kept) => table.AddRow(
        name, kept ? score.SubjectsKept.ToString("p0") : "", score.DistanceToOwnSet.ToString("f3"), score.DistanceToOtherSet.ToString("f3"), score.Lead.ToString("f3"));
}
