using System.Globalization;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Spectre.Console;
using Taiyi.Data;
using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Benchmarks;

/// <summary>Whether cost grows linearly: with pictures, with steps, with the size of a data set. On taiyi-mini.</summary>
internal sealed class ScalingBenchmark(int rounds)
{
    private readonly Table _table = new Table().Border(TableBorder.Markdown).AddColumns("what", "n", "s", "CPU s", "CPU ms of one");

    public void Run()
    {
        using StableDiffusionPipeline pipeline = StableDiffusionPipeline.FromPretrained(DefaultModel.Find(), CPU, float32);
        pipeline.Scheduler = Scheduler.Create("ddim", pipeline.SchedulerConfig); // PNDM takes one step more than asked for
        foreach (int pictures in (int[])[1, 2, 4, 8])
        {
            Add("pictures of 10 steps, one batch", pictures, () => Generate(pipeline, pictures, steps: 10));
        }

        foreach (int steps in (int[])[10, 20, 40])
        {
            Add("steps of one picture", steps, () => Generate(pipeline, pictures: 1, steps));
        }

        foreach (int captions in (int[])[100, 1_000, 10_000])
        {
            MeasureDataset(pipeline.Tokenizer, captions);
        }

        AnsiConsole.Write(_table);
    }

    private static void Generate(StableDiffusionPipeline pipeline, int pictures, int steps)
    {
        using GenerationResult result = pipeline.Generate("一只狮子", new GenerationOptions { NumInferenceSteps = steps, NumImagesPerPrompt = pictures, Seed = 1 });
    }

    // One small picture, copied, with made-up captions: found, paired, read and tokenised.
    private void MeasureDataset(BertTokenizer tokenizer, int captions)
    {
        string folder = Directory.CreateTempSubdirectory("taiyi-benchmark").FullName;
        try
        {
            using Tensor grey = zeros(3, 128, 128);
            using Image<Rgb24> image = grey.ToImage();
            byte[] png = ImageFile.EncodePng(image);
            for (int i = 0; i < captions; i++)
            {
                string name = Path.Combine(folder, i.ToString("D5", CultureInfo.InvariantCulture));
                File.WriteAllBytes(name + ".png", png);
                File.WriteAllText(name + ".txt", string.Create(CultureInfo.InvariantCulture, $"第{i}只狮子，坐在草地上"));
            }

            Add("captions: data set opened, read, tokenised", captions, () => ReadAll(folder, tokenizer));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void ReadAll(string folder, BertTokenizer tokenizer)
    {
        Text2ImageDataset dataset = Text2ImageDataset.Open(folder, new Text2ImageOptions { Size = 128 });
        for (int i = 0; i < dataset.Count; i++)
        {
            using Text2ImageItem item = dataset.Read(i);
            tokenizer.Encode(item.Caption);
        }
    }

    private void Add(string what, int count, Action action)
    {
        CallCost cost = PairedMeasurement.Of(action, theirs: null, rounds, warmups: 1).Ours;
        _table.AddRow(what, $"{count}", $"{cost.Seconds:0.00}", $"{cost.CpuSeconds:0.00}", $"{cost.CpuSeconds / count * 1000:0.00}");
    }
}
