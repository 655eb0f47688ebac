using System.CommandLine;
using Spectre.Console;
using Taiyi.Workshop.Distillation;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Cli;

/// <summary><c>taiyi distill</c>: a LoRA with which a model draws in four steps.</summary>
internal sealed class DistillCommand
{
    private readonly PretrainSettings _settings = new();

    private readonly Option<string?> _model = new("--model", "-m") { Description = "Model folder or single .ckpt that is distilled; taiyi-mini if absent", HelpName = "DIR" };
    private readonly Option<int?> _rank = new("--rank") { Description = "Rank r of the LoRA (64 if absent)", HelpName = "R" };
    private readonly Option<double?> _alpha = new("--alpha") { Description = "The update is multiplied by alpha / r; the rank if absent", HelpName = "A" };

    private readonly Option<double?> _guidanceScale = new("--guidance-scale", "-g")
    {
        Description = "Guidance scale that goes into the LoRA; the model's own default, else 7.5",
        HelpName = "G",
    };

    private readonly Option<string[]> _samplePrompts = new("--sample-prompt")
    {
        Description = "Prompt of a sample picture; may be given several times",
        HelpName = "TEXT",
        DefaultValueFactory = _ => [],
    };

    public static Command Create()
    {
        DistillCommand self = new();
        Command command = new("distill", "Distil a model into an LCM-LoRA, with which it draws in four steps without guidance: generate --lora FILE --scheduler lcm --steps 4 -g 1")
        {
            self._model, self._rank, self._alpha, self._guidanceScale, self._samplePrompts,
        };
        self._settings.AddTo(command, fromNothing: false);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        string folder = _settings.Output(parsed);
        PretrainingRun<DistillationOptions>? resumed = _settings.Resumes(parsed) ? PretrainingRun.Open<DistillationOptions>(folder, _settings.Steps(parsed)) : null;
        string model = parsed.GetValue(_model) ?? resumed?.Options.Model ?? DefaultModel.Find();
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(model, _settings.Device(parsed), _settings.DType(parsed, resumed?.Options));
        PretrainingRun<DistillationOptions> run = resumed ?? PretrainingRun.Create(folder, NewOptions(parsed, pipeline, model));

        using LcmLoraDistiller distiller = new(run, run.Options.Data.Open(cancellationToken), pipeline);
        _settings.Train(parsed, distiller, folder, cancellationToken);
        CommandRunner.Error.MarkupLineInterpolated($"Draw with it: taiyi generate PROMPT --lora {distiller.LoraPath} --scheduler lcm --steps {run.Options.SampleSteps} -g 1");
        Console.Out.WriteLine(distiller.LoraPath);
        return CommandRunner.Success;
    }

    private DistillationOptions NewOptions(ParseResult parsed, StableDiffusionPipeline pipeline, string model)
    {
        int size = pipeline.SampleSize * pipeline.VaeConfig.DownscaleFactor;
        DistillationOptions options = new() { Data = _settings.Data(parsed, size), Model = Path.GetFullPath(model), DType = pipeline.DType.ToString() };
        int rank = parsed.GetValue(_rank) ?? options.Lora.Rank;
        double scale = parsed.GetValue(_guidanceScale) ?? pipeline.DefaultOptions.GuidanceScale;
        return _settings.Overlay(parsed, options with
        {
            Lora = options.Lora with { Rank = rank, Alpha = parsed.GetValue(_alpha) ?? rank },
            LeastGuidanceScale = scale,
            LargestGuidanceScale = scale,
            SamplePrompts = parsed.GetValue(_samplePrompts) is { Length: > 0 } prompts ? prompts : options.SamplePrompts,
        });
    }
}
