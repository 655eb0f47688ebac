using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Lora;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Tests.Training;

/// <summary>Six pictures with captions, the pipeline of tests/Golden/tiny-taiyi, and a folder for runs; gone after the test.</summary>
internal sealed class TinyTraining : IDisposable
{
    public static readonly LoraTrainingOptions Options = new()
    {
        LearningRate = 1e-3,
        Steps = 6,
        BatchSize = 2,
        GradientAccumulation = 2,
        Lora = new LoraConfig { Rank = 2, Alpha = 4, Dropout = 0.1 },
        CaptionDropout = 0.3,
        EmaDecay = 0.9,
        SnrGamma = 5,
        NoiseOffset = 0.05,
        WarmupSteps = 1,
        CheckpointEvery = 2,
        HorizontalFlip = true,
        RandomSeed = 3,
    };

    public TinyTraining(ScalarType dtype = ScalarType.Float32)
    {
        Pipeline = StableDiffusionPipeline.FromPretrained(Repository.Golden("tiny-taiyi"), CPU, dtype);
        Directory.CreateDirectory(Data);
        for (int i = 0; i < 6; i++)
        {
            byte[] pixels = new byte[3 * Size * Size];
            new Random(i).NextBytes(pixels);
            using Image<Rgb24> noise = ImageConversion.FromBytes(Size, Size, pixels);
            ImageFile.WritePng(Path.Combine(Data, $"p{i}.png"), noise);
            File.WriteAllText(Path.Combine(Data, $"p{i}.txt"), "一只" + "猫狗鱼鸟马牛"[i]);
        }
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("taiyi-training-").FullName;

    public string Data => Path.Combine(Root, "data");

    public StableDiffusionPipeline Pipeline { get; }

    public Text2ImageDataset Dataset => Text2ImageDataset.Open(Data, new Text2ImageOptions { Size = Size });

    private int Size => Pipeline.SampleSize * Pipeline.Vae.Config.DownscaleFactor;

    public string Folder(string name) => Path.Combine(Root, name);

    /// <summary>Trains in a new folder of that name to the end.</summary>
    public TrainingRun Train(string name, LoraTrainingOptions? options = null)
    {
        TrainingRun run = TrainingRun.Create(Folder(name), options ?? Options);
        LoraTrainer.Train(Pipeline, Dataset, run);
        return run;
    }

    /// <summary>The losses and gradient norms of a run, in hexadecimal digits.</summary>
    public static IReadOnlyList<string> Curve(TrainingRun run) =>
        [.. run.ReadLog().Select(line => $"{line.Step} {BitConverter.DoubleToInt64Bits(line.Loss):x} {BitConverter.DoubleToInt64Bits(line.GradNorm):x} {line.LearningRate:r}")];

    public void Dispose()
    {
        Pipeline.Dispose();
        Directory.Delete(Root, recursive: true);
    }
}
