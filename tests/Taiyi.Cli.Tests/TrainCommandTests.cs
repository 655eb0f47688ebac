using System.Diagnostics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Training;

namespace Taiyi.Cli.Tests;

public class TrainCommandTests
{
    private static readonly string[] Settings =
    [
        "--model", Repository.Golden("tiny-taiyi"), "--data", "data", "--steps", "12", "--batch-size", "2", "--accumulate", "2", "--lr", "1e-3",
        "--checkpoint-every", "2", "--sample-prompt", "一只猫",
    ];

    [Fact]
    public void A_process_killed_between_two_checkpoints_goes_on_to_the_bits_of_one_never_killed()
    {
        using TemporaryFolder folder = WithPictures();
        CommandResult whole = CommandProcess.Run(folder.Path, ["train", "mine", .. Settings, "--output", "whole"]);
        Assert.Equal(0, whole.ExitCode);
        Assert.Equal([Path.Combine("whole", "pytorch_lora_weights.safetensors"), Path.Combine("whole", "base-and-lora.png")], whole.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.All(whole.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), path => Assert.True(File.Exists(folder.File(path))));

        KillAfter(folder, "killed", step: 5); // checkpoints are written every second step
        Assert.False(File.Exists(folder.File("killed/pytorch_lora_weights.safetensors")));

        CommandResult resumed = CommandProcess.Run(folder.Path, "train", "mine", "--output", "killed", "--resume");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(File.ReadAllBytes(folder.File("whole/pytorch_lora_weights.safetensors")), File.ReadAllBytes(folder.File("killed/pytorch_lora_weights.safetensors")));
    }

    [Fact]
    public void Faults_are_one_sentence()
    {
        using TemporaryFolder folder = WithPictures();
        CommandProcess.Run(folder.Path, "train", "mine", "--resume").AssertFailsWith("holds no training to go on with");
        CommandProcess.Run(folder.Path, "train", "mine").AssertFailsWith("data/mine", "--data");
        CommandProcess.Run(folder.Path, ["train", "mine", .. Settings, "--rank", "0"]).AssertFailsWith("LoRA rank is 0");
    }

    [Fact]
    public void A_folder_that_holds_a_training_is_not_begun_again()
    {
        using TemporaryFolder folder = WithPictures();
        string[] arguments = ["train", "mine", .. Settings, "--output", "run"];
        Assert.Equal(0, CommandProcess.Run(folder.Path, arguments).ExitCode);
        byte[] learned = File.ReadAllBytes(folder.File("run/pytorch_lora_weights.safetensors"));

        CommandProcess.Run(folder.Path, arguments).AssertFailsWith("holds a training already", "--resume");

        Assert.Equal(learned, File.ReadAllBytes(folder.File("run/pytorch_lora_weights.safetensors")));
    }

    [Fact]
    public void Taught_words_belong_to_the_run_and_what_captions_lose_is_told_before_it()
    {
        using TemporaryFolder folder = WithPictures();
        File.WriteAllText(Directory.GetFiles(folder.File("data"), "*.txt").Order().First(), "一隻<小狮>");
        string learned = Repository.Golden("learned-word/one_vector.bin");
        string[] arguments = ["train", "mine", "--model", Repository.Golden("tiny-taiyi"), "--data", "data", "--embedding", learned, "--batch-size", "1", "--sample-every", "0", "--checkpoint-every", "1", "--output", "run"];

        CommandResult result = CommandProcess.Run(folder.Path, [.. arguments, "--steps", "1"]);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("1 caption has what this model's vocabulary lacks, which is read as [UNK]: 隻 (in", result.Error, StringComparison.Ordinal);
        Assert.Contains("one_vector.bin", File.ReadAllText(folder.File("run/options.json")), StringComparison.Ordinal);
        CommandResult resumed = CommandProcess.Run(folder.Path, "train", "mine", "--output", "run", "--resume");
        Assert.Equal(0, resumed.ExitCode); // with other embeddings the text encoder, and so the data, would be another
        Assert.DoesNotContain("小", resumed.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", null, true)] // none, beside that of the recipe
    [InlineData("3", 3.0, false)]
    public void Options_change_a_recipe_and_one_weighting_takes_the_place_of_the_other(string snrGamma, double? gamma, bool debiased)
    {
        using TemporaryFolder folder = WithPictures();
        string[] changes = ["--snr-gamma", snrGamma, "--noise-offset", "0.25", "--caption-dropout", "0.3"];

        CommandResult result = CommandProcess.Run(folder.Path, ["train", "mine", .. Settings, "--recipe", "practical", .. changes, "--output", "run"]);

        Assert.True(result.ExitCode == 0, result.Error);
        LoraTrainingOptions options = TrainingOptions.FromJson<LoraTrainingOptions>(File.ReadAllText(folder.File("run/options.json")));
        Assert.Equal(debiased, options.DebiasedEstimation);
        Assert.Equal((gamma, 0.25, 0.3, 20), (options.SnrGamma, options.NoiseOffset, options.CaptionDropout, options.WarmupSteps)); // 20: the recipe's
    }

    private static void KillAfter(TemporaryFolder folder, string output, int step)
    {
        using Process process = CommandProcess.Start(folder.Path, ["train", "mine", .. Settings, "--output", output]);
        _ = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        Stopwatch clock = Stopwatch.StartNew();
        while (!File.Exists(folder.File(output + "/log.jsonl")) || File.ReadAllLines(folder.File(output + "/log.jsonl")).Length < step)
        {
            Assert.False(process.HasExited, "The training ended before it was killed.");
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(15), "The training did not reach its steps within 15 minutes.");
            Thread.Sleep(5);
        }

        process.Kill();
        process.WaitForExit();
    }

    private static TemporaryFolder WithPictures()
    {
        TemporaryFolder folder = new();
        for (int i = 0; i < 6; i++)
        {
            byte[] pixels = new byte[3 * 64 * 64];
            new Random(i).NextBytes(pixels);
            using Image<Rgb24> picture = ImageConversion.FromBytes(64, 64, pixels);
            ImageFile.WritePng(folder.File($"data/p{i}.png"), picture);
            File.WriteAllText(folder.File($"data/p{i}.txt"), "一只" + "猫狗鱼鸟马牛"[i]);
        }

        return folder;
    }
}
