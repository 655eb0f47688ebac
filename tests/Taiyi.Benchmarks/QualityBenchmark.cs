using System.Diagnostics;
using Spectre.Console;
using Taiyi.Schedulers;
using Taiyi.Workshop.Pretraining;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>
/// What a picture costs and how good it is, for each way to fewer or cheaper steps: text fidelity as <c>taiyi pretrain evaluate</c> measures it,
/// and the distance to the picture that the same noise becomes in 200 steps.
/// </summary>
/// <param name="art">Folder of the drawings, data/art.</param>
/// <param name="labels">Labels of its everyday subjects that are drawn.</param>
/// <param name="lora">An LCM-LoRA of the model (<c>taiyi distill</c>), or null.</param>
/// <param name="batchSize">Pictures drawn at once.</param>
/// <param name="only">Parts of the names of the ways that are measured; all if empty.</param>
internal sealed class QualityBenchmark(string art, int labels, string? lora, int batchSize, IReadOnlyList<string> only)
{
    private const int ReferenceSteps = 200;
    private const string Solver = "dpmpp_2m"; // of the samplers with the least error in few steps

    /// <summary>One way to draw.</summary>
    /// <param name="Name">In the table.</param>
    /// <param name="Sampler">Name of the sampler.</param>
    /// <param name="Steps">Denoising steps.</param>
    /// <param name="With">What is left out of the steps; null for nothing.</param>
    private sealed record Way(string Name, string Sampler, int Steps, Func<GenerationOptions, GenerationOptions>? With = null);

    private static IEnumerable<Way> Ways()
    {
        foreach (int steps in (int[])[50, 30, 20])
        {
            foreach ((string name, string sampler) in ((string, string)[])[("PNDM", "pndm"), ("DPM++ 2M", Solver)])
            {
                string way = $"{name}, {steps} steps";
                yield return new(way, sampler, steps);
                yield return new($"{way}, forecast", sampler, steps, options => options with { Forecast = new SpectrumOptions() });
            }

            yield return new($"DPM++ 2M, {steps} steps, guided for σ of 0.28 to 5.42", Solver, steps, options => options with { GuidanceInterval = (0.28, 5.42) });
            yield return new($"DPM++ 2M, {steps} steps, guided for σ above 1", Solver, steps, options => options with { GuidanceInterval = (1, double.PositiveInfinity) });
        }

        foreach ((string name, string suffix) in ((string, string)[])[("", ""), (" Karras", "_karras"), (" exponential", "_exponential"), (" Align Your Steps", "_ays")])
        {
            yield return new($"DPM++ 2M{name}, 10 steps", Solver + suffix, 10);
        }

        yield return new("UniPC, 10 steps", "unipc", 10);
    }

    private static IEnumerable<Way> DistilledWays() => ((int[])[8, 4, 2]).Select(steps =>
        new Way($"LCM-LoRA, {steps} steps, no guidance", "lcm", steps, options => options with { GuidanceScale = 1 }));

    public void Run()
    {
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(DefaultModel.Find());
        IPictureSource originals = new PretrainingData
        {
            Path = art,
            Size = pipeline.SampleSize * pipeline.VaeConfig.DownscaleFactor,
            Sets = ["fluent", "noto"],
            Labels = PretrainingData.ReadLabels(Path.Combine(art, "everyday.txt")),
        }.Open();
        Random random = new(5);
        int[] chosen = [.. Enumerable.Range(0, originals.Count).OrderBy(_ => random.Next()).Take(labels)];
        using TextFidelity fidelity = new(originals);
        (Tensor truth, _, _) = Draw(pipeline, originals, chosen, new Way("reference", Solver, ReferenceSteps));

        Table table = new Table().Border(TableBorder.Markdown)
            .Title($"{chosen.Length} labels, batches of {batchSize}, guidance {pipeline.DefaultOptions.GuidanceScale}, {pipeline.DType}, {get_num_threads()} threads")
            .AddColumns("way", "UNet rows a picture", "CPU s a picture", "top-1", $"distance to {ReferenceSteps} steps", "to the same steps, nothing left out");
        AddRows(table, pipeline, originals, chosen, fidelity, truth, Ways());
        if (lora is not null)
        {
            pipeline.LoadLora(lora);
            AddRows(table, pipeline, originals, chosen, fidelity, truth, DistilledWays());
        }

        truth.Dispose();
        AnsiConsole.Write(table);
    }

    private void AddRows(
        Table table, StableDiffusionPipeline pipeline, IPictureSource originals, int[] chosen, TextFidelity fidelity, Tensor truth, IEnumerable<Way> ways)
    {
        using var scope = NewDisposeScope();
        (Way? Way, Tensor? Pictures) whole = (null, null); // the newest way that leaves nothing out
        foreach (Way way in ways.Where(way => only.Count == 0 || only.Any(part => way.Name.Contains(part, StringComparison.OrdinalIgnoreCase))))
        {
            (Tensor drawn, double rows, double seconds) = Draw(pipeline, originals, chosen, way);
            double top1 = fidelity.Score(drawn, [.. chosen.Select(originals.Label)]).Top1;
            string toWhole = way.With is not null && (way.Sampler, way.Steps) == (whole.Way?.Sampler, whole.Way?.Steps) ? $"{Distance(drawn, whole.Pictures!):0.000}" : "";
            string[] row = [way.Name, $"{rows:0.#}", $"{seconds:0.00}", $"{top1:0.000}", $"{Distance(drawn, truth):0.000}", toWhole];
            table.AddRow(row);
            Console.Error.WriteLine(string.Join(" | ", row)); // the whole table takes long
            whole = way.With is null ? (way, drawn) : whole;
        }
    }

    // Mean absolute difference of the pixels, whose range is -1 to 1.
    private static float Distance(Tensor pictures, Tensor others)
    {
        using var scope = NewDisposeScope();
        return (pictures - others).abs().mean().item<float>();
    }

    // Pictures (N, 3, H, W), how many rows the UNet computed and what CPU time passed for one.
    private (Tensor Pictures, double Rows, double Seconds) Draw(StableDiffusionPipeline pipeline, IPictureSource originals, int[] chosen, Way way)
    {
        using var scope = NewDisposeScope();
        pipeline.Scheduler = Scheduler.Create(way.Sampler, pipeline.SchedulerConfig);
        long rows = 0;
        var hook = pipeline.UNet.register_forward_hook((_, _, _, _, output) =>
        {
            rows += output.shape[0];
            return output;
        });
        List<Tensor> pictures = [];
        Process process = Process.GetCurrentProcess();
        TimeSpan before = process.TotalProcessorTime;
        foreach (int[] batch in chosen.Chunk(batchSize))
        {
            GenerationOptions all = pipeline.DefaultOptions with { NumInferenceSteps = way.Steps, Seed = 1000 + (pictures.Count * batchSize) }, options = way.With?.Invoke(all) ?? all;
            using GenerationResult result = pipeline.Generate([.. batch.Select(originals.Prompt)], options);
            pictures.Add(result.ImageTensor.clone());
        }

        process.Refresh();
        hook.remove();
        return (cat(pictures).MoveToOuterDisposeScope(), (double)rows / chosen.Length, (process.TotalProcessorTime - before).TotalSeconds / chosen.Length);
    }
}
