using System.CommandLine;
using Taiyi.Lora;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Cli;

/// <summary><c>taiyi pretrain evaluate</c>: does the model draw what the prompt says?</summary>
internal sealed class EvaluateCommand
{
    private readonly ModelOptions _model = new();

    private readonly Option<string> _data = new("--data")
    {
        Description = "Art archive (data/art) or folder that the model was trained on",
        HelpName = "DIR",
        DefaultValueFactory = _ => "data/art",
    };

    private readonly Option<int> _labels = new("--labels") { Description = "Labels to draw", HelpName = "N", DefaultValueFactory = _ => 200 };
    private readonly ArtSelection _art = new();
    private readonly SamplerOptions _sampler = new();
    private readonly Option<string[]> _lora = new("--lora") { Description = "A LoRA file and its strength (1 if absent) that the pictures are drawn with; may be given several times", HelpName = "FILE[:WEIGHT]", DefaultValueFactory = _ => [] };
    private readonly Option<int?> _steps = new("--steps") { Description = "Denoising steps; the model's own default if absent", HelpName = "N" };
    private readonly Option<double?> _guidance = new("--guidance") { Description = "Guidance scale; the model's own default if absent", HelpName = "G" };

    public static Command Create()
    {
        EvaluateCommand self = new();
        Command command = new("evaluate", "Draw labels of the data and count how often the nearest original has the label.") { self._data, self._labels, self._lora, self._steps, self._guidance };
        foreach (Option option in self._art.Options)
        {
            command.Add(option);
        }

        self._sampler.AddTo(command);
        self._model.AddTo(command);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        using StableDiffusionPipeline pipeline = _model.Load(parsed);
        pipeline.Scheduler = _sampler.Create(parsed, pipeline);
        foreach (string reference in parsed.GetValue(_lora)!)
        {
            (string file, double weight) = LoraReference.Parse(reference);
            pipeline.LoadLora(file, weight);
        }

        int size = pipeline.SampleSize * pipeline.VaeConfig.DownscaleFactor;
        PretrainingData data = _art.Select(parsed, new PretrainingData { Path = parsed.GetRequiredValue(_data), Size = size });
        using TextFidelity fidelity = new(data.Open(cancellationToken));
        GenerationOptions usual = pipeline.DefaultOptions;
        GenerationOptions options = _sampler.Apply(parsed, usual with
        {
            NumInferenceSteps = parsed.GetValue(_steps) ?? usual.NumInferenceSteps,
            GuidanceScale = parsed.GetValue(_guidance) ?? usual.GuidanceScale,
        });
        FidelityReport report = fidelity.Measure(pipeline, parsed.GetValue(_labels), options, cancellationToken: cancellationToken);
        Console.Out.WriteLine(FormattableString.Invariant($"{report.Labels} labels, {options.NumInferenceSteps} steps, guidance {options.GuidanceScale}"));
        foreach ((string name, FidelityScore score) in (ReadOnlySpan<(string, FidelityScore)>)[("model", report.Model), ("VAE (ceiling)", report.Ceiling), ("random (floor)", report.Floor)])
        {
            Console.Out.WriteLine(FormattableString.Invariant($"{name,-15} top-1 {score.Top1:f3}  top-5 {score.Top5:f3}"));
        }

        Console.Out.WriteLine(FormattableString.Invariant($"sharpness       {report.Sharpness:f2} of the originals'"));
        return CommandRunner.Success;
    }
}
