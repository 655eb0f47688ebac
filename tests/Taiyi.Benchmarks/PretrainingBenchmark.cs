using Spectre.Console;
using Taiyi.Workshop.Pretraining;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>Steps of pretraining taiyi-mini's text encoder and UNet on the drawings of data/art, from new weights.</summary>
internal sealed class PretrainingBenchmark(ScalarType dtype, int steps)
{
    private const int Warmups = 3;

    public void Run()
    {
        string mini = DefaultModel.Find(), folder = Directory.CreateTempSubdirectory("taiyi-benchmark").FullName;
        try
        {
            DiffusionPretrainingOptions options = new()
            {
                Data = new PretrainingData { Path = Path.GetFullPath(Path.Combine(mini, "..", "..", "art")), Size = 128 },
                VaeFolder = Path.Combine(mini, "vae"),
                DType = dtype.ToString(),
                SampleEvery = 0,
            };
            PretrainingRun<DiffusionPretrainingOptions> run = PretrainingRun.Create(Path.Combine(folder, "run"), options);
            using DiffusionPretrainer trainer = new(run, options.Data.Open(), Path.Combine(folder, "model"));
            Measure(trainer, options.BatchSize);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private void Measure(DiffusionPretrainer trainer, int batchSize)
    {
        for (int i = 0; i < Warmups; i++)
        {
            trainer.TakeStep();
        }

        double[] seconds = [.. Enumerable.Range(0, steps).Select(_ => trainer.TakeStep().Seconds)];
        double median = PairedMeasurement.Median(seconds), mean = seconds.Average();
        Table table = new Table().Border(TableBorder.Markdown).Title($"Pretraining taiyi-mini in {dtype}, {steps} steps of {batchSize}")
            .AddColumns("", "s", "samples a second");
        table.AddRow("median step", $"{median:0.000}", $"{batchSize / median:0.0}");
        table.AddRow("mean, pictures and their latents included", $"{mean:0.000}", $"{batchSize / mean:0.0}");
        AnsiConsole.Write(table);
    }
}
