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
            .AddRow("noise schedule", NoiseSchedule(scheduler))
            .AddRow("sampler", Sampler(scheduler))
            .AddRow("tokenizer", $"{model.TextEncoderConfig.VocabSize} entries, {tokenizer.MaxLength} tokens a prompt")
            .AddRow("defaults", $"guidance scale {usual.GuidanceScale}, rescale {usual.GuidanceRescale ?? 0}, {usual.NumInferenceSteps} steps of {Markup.Escape(model.Defaults.Scheduler ?? scheduler.ClassName ?? "pndm")}");
    }

    private static string NoiseSchedule(SchedulerConfig scheduler)
    {
        string betas = scheduler.TrainedBetas is null ? $"beta {scheduler.BetaStart} to {scheduler.BetaEnd} {scheduler.BetaSchedule}" : "trained betas of its own";
        return $"{scheduler.NumTrainTimesteps} timesteps, {betas}{(scheduler.RescaleBetasZeroSnr ? ", zero terminal SNR" : "")}, {scheduler.PredictionType}";
    }

    // What scheduler_config.json names, and where it differs from the sampler's usual way.
    private static string Sampler(SchedulerConfig scheduler)
    {
        if (scheduler.Unsupported is { } reason)
        {
            return Markup.Escape(reason);
        }

        List<string> parts = [scheduler.ClassName ?? "PNDMScheduler"];
        parts.AddRange(scheduler.TimestepSpacing is { } spacing ? [$"{spacing} timesteps"] : []);
        parts.AddRange(scheduler.Sigmas != SigmaSchedule.Timesteps ? [$"{scheduler.Sigmas} noise levels"] : []);
        parts.AddRange(scheduler.AlgorithmType is { } algorithm ? [$"{algorithm}"] : []);
        parts.AddRange(scheduler.SolverOrder != 2 ? [$"order {scheduler.SolverOrder}"] : []);
        parts.AddRange(scheduler.FinalSigmasType != FinalSigmasType.Zero ? ["ends at the least noise"] : []);
        parts.AddRange(scheduler.ClipSample ? [$"clips at {scheduler.ClipSampleRange}"] : []);
        parts.AddRange(scheduler.Thresholding ? ["thresholding"] : []);
        parts.AddRange(scheduler.UnknownSettings.Select(setting => $"'{setting}' is not used"));
        return Markup.Escape(string.Join(", ", parts));
    }
}
