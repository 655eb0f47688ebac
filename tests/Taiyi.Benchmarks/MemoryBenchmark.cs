using System.Diagnostics;
using Spectre.Console;
using Taiyi.Schedulers;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>What the process of a whole picture takes at its peak, each way to have the networks in memory in a process of its own.</summary>
/// <param name="model">The model's sizes.</param>
/// <param name="dtype">What the weights are kept in.</param>
/// <param name="steps">Denoising steps, which change no peak.</param>
internal sealed class MemoryBenchmark(BenchmarkModel model, ScalarType dtype, int steps)
{
    public void Run()
    {
        string folder = Directory.CreateTempSubdirectory("taiyi-benchmark").FullName;
        try
        {
            Write(folder);
            Table table = new Table().Border(TableBorder.Markdown).Title($"One picture of {model.ImageSize} x {model.ImageSize}, {model.Name}, {dtype.ToString().ToLowerInvariant()}")
                .AddColumns("networks", "peak GiB after the text", "after the steps", "in all", "CPU s");
            foreach (NetworkLoading loading in (NetworkLoading[])[NetworkLoading.AtOnce, NetworkLoading.WhenNeeded])
            {
                table.AddRow([loading.ToString(), .. InOwnProcess("picture", folder, loading.ToString(), dtype.ToString(), $"{steps}")]);
            }

            AnsiConsole.Write(table);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Draws one picture and prints the figures of a row.</summary>
    public static void DrawPicture(string folder, NetworkLoading loading, ScalarType dtype, int steps)
    {
        double afterText = 0, afterSteps = 0;
        using (StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(folder, dtype: dtype, loading: loading))
        {
            GenerationOptions options = new() { NumInferenceSteps = steps, Seed = 1 };
            using GenerationResult result = pipeline.Generate("一只狮子", options, new Each(step =>
            {
                afterText = step.Index == 0 ? ProcessMemory.Peak : afterText;
                afterSteps = ProcessMemory.Peak;
            }));
        }

        Console.WriteLine($"{afterText:0.00}|{afterSteps:0.00}|{ProcessMemory.Peak:0.00}|{Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds:0}");
    }

    // The tokenizer is taiyi-mini's, whatever the model.
    private void Write(string folder)
    {
        string tokenizer = Path.Combine(folder, "tokenizer");
        Directory.CreateDirectory(tokenizer);
        foreach (string file in Directory.GetFiles(ModelFolder.Open(DefaultModel.Find()).TokenizerFolder))
        {
            File.Copy(file, Path.Combine(tokenizer, Path.GetFileName(file)));
        }

        using StableDiffusionPipeline pipeline = model.Pipeline(float32);
        SnapshotWriter.Write(folder, pipeline.TextEncoder, pipeline.UNet, pipeline.Vae, new SchedulerConfig());
    }

    private static string[] InOwnProcess(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("dotnet", [typeof(MemoryBenchmark).Assembly.Location, .. arguments]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output.Trim().Split('\n')[^1].Split('|') : throw new InvalidOperationException($"The process of the picture ended with {process.ExitCode}.");
    }

    private sealed class Each(Action<DenoisingStep> report) : IProgress<DenoisingStep>
    {
        public void Report(DenoisingStep value) => report(value);
    }
}
