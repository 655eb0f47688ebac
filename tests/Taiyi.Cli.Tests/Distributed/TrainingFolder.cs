using System.Diagnostics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Training;

namespace Taiyi.Cli.Tests.Distributed;

/// <summary>A folder with six pictures and captions, and runs of the small model of tests/Golden.</summary>
internal sealed class TrainingFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TrainingFolder() => WritePictures("data");

    public string Path => _folder.Path;

    public string File(string name) => _folder.File(name);

    /// <summary>The arguments of a training of steps of eight pictures: dropout of LoRA, two passes a step.</summary>
    public static string[] Train(string output, int steps, params string[] more) =>
    [
        "train", "mine", "--model", Repository.Golden("tiny-taiyi"), "--data", "data", "--steps", $"{steps}", "--batch-size", "4", "--accumulate", "2", "--lr", "1e-3",
        "--sample-prompt", "一只猫", "--output", output, .. more,
    ];

    /// <summary>What a run logged.</summary>
    public IReadOnlyList<TrainingProgress> Log(string run) => TrainingRun.Open(File(run)).ReadLog();

    /// <summary>Writes the six pictures into a folder.</summary>
    public void WritePictures(string folder)
    {
        for (int i = 0; i < 6; i++)
        {
            byte[] pixels = new byte[3 * 64 * 64];
            new Random(i).NextBytes(pixels);
            using Image<Rgb24> picture = ImageConversion.FromBytes(64, 64, pixels);
            ImageFile.WritePng(File($"{folder}/p{i}.png"), picture);
            System.IO.File.WriteAllText(File($"{folder}/p{i}.txt"), "一只" + "猫狗鱼鸟马牛"[i]);
        }
    }

    /// <summary>Waits until a running job has logged a step.</summary>
    public void WaitForStep(Process job, string run, int step)
    {
        Stopwatch clock = Stopwatch.StartNew();
        string log = File(run + "/log.jsonl");
        while (!System.IO.File.Exists(log) || System.IO.File.ReadAllLines(log).Length < step)
        {
            Assert.False(job.HasExited, "The training ended before its time.");
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(30), "The training did not reach its steps within 30 minutes.");
            Thread.Sleep(5);
        }
    }

    public void Dispose() => _folder.Dispose();
}
