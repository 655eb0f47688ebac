using System.CommandLine;
using Spectre.Console;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Snapshots;

namespace Taiyi.Cli;

/// <summary><c>taiyi info</c>: what a model folder holds, without loading its weights.</summary>
internal static class InfoCommand
{
    public static Command Create()
    {
        Argument<string?> folder = new("DIR") { Description = "Model folder or .ckpt; taiyi-mini if absent", Arity = ArgumentArity.ZeroOrOne };
        Command command = new("info", "Print the networks, sizes, dtype, scheduler and vocabulary of a model") { folder };
        command.SetBody((parsed, _) =>
        {
            string path = parsed.GetValue(folder) ?? DefaultModel.Find();
            ModelFolder model = ModelFolder.Open(path);
            AnsiConsole.MarkupLineInterpolated($"[bold]{Path.GetFileName(Path.GetFullPath(path))}[/]");
            AnsiConsole.Write(Networks(model));
            AnsiConsole.Write(Settings(model));
            return CommandRunner.Success;
        });
        return command;
    }

    private static Table Networks(ModelFolder model)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("network", "parameters", "dtype", "file");
        table.Columns[1].RightAligned();
        Row("text encoder", model.OpenTextEncoder());
        Row("UNet", model.OpenUNet());
        Row("VAE", model.OpenVae());
        return table;

        void Row(string name, IStateDictFile weights)
        {
            using (weights)
            {
                long parameters = weights.Tensors.Values.Sum(t => t.Shape.Aggregate(1L, (product, size) => product * size));
                IEnumerable<string> dtypes = weights.Tensors.Values.GroupBy(t => t.DType).OrderByDescending(g => g.Count()).Select(g => g.Key.ToString());
                table.AddRow(name, $"{parameters / 1e6:0.0} M", string.Join(", ", dtypes), Path.GetFileName(weights.Path));
            }
        }
    }

    private static Grid Settings(ModelFolder model)
    {
        SchedulerConfig scheduler = model.SchedulerConfig;
        UNet2DConditionConfig unet = model.UNetConfig;
        AutoencoderKLConfig vae = model.VaeConfig;
        BertTokenizer tokenizer = model.LoadTokenizer();
        GenerationOptions usual = GenerationOptions.For(model.Defaults);
        int side = unet.SampleSize ?? 64;
        int size = side * vae.DownscaleFactor;
        return new Grid().AddColumns(2)
            .AddRow("picture", $"{size} x {size} pixels, latents {unet.InChannels} x {side} x {side}, scaling factor {vae.ScalingFactor}")
            .AddRow("scheduler", $"{scheduler.NumTrainTimesteps} timesteps, beta {scheduler.BetaStart} to {scheduler.BetaEnd} {scheduler.BetaSchedule}, {scheduler.PredictionType}")
            .AddRow("tokenizer", $"{model.TextEncoderConfig.VocabSize} entries, {tokenizer.MaxLength} tokens a prompt")
            .AddRow("defaults", $"guidance scale {usual.GuidanceScale}, rescale {usual.GuidanceRescale ?? 0}, {usual.NumInferenceSteps} steps of {model.Defaults.Scheduler ?? "pndm"}");
    }
}
