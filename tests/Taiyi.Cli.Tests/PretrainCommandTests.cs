using System.Text.Json;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Cli.Tests;

public sealed class PretrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PretrainCommandTests()
    {
        for (int i = 0; i < 13; i++) // the thirteenth is held out of the training
        {
            using Image<Rgb24> image = new(16, 16, new Rgb24((byte)(18 * i), (byte)(255 - (18 * i)), 90));
            image[8, 8] = new Rgb24(0, 0, 0); // an edge
            ImageFile.WritePng(_folder.File($"data/p{i}.png"), image);
            File.WriteAllText(_folder.File($"data/p{i}.txt"), "第" + "一二三四五六七八九十甲乙丙"[i] + "块");
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_vae_then_a_diffusion_model_of_the_sizes_asked_for_which_can_be_evaluated()
    {
        CommandResult vae = Run("vae", "--channels", "8", "16", "--steps", "2", "--edges", "0.25", "--detail", "4");
        Assert.True(vae.ExitCode == 0, vae.Error);
        Assert.Matches(@"^held out of drawings: \d+\.\d\d dB, sharpness \d+\.\d\d of the originals'", vae.Output);
        Assert.Equal([8, 16], Channels("vae"));
        JsonElement weights = JsonDocument.Parse(File.ReadAllText(_folder.File("out/vae-training/options.json"))).RootElement.GetProperty("weights");
        Assert.Equal((0.25, 4), (weights.GetProperty("gradient").GetDouble(), weights.GetProperty("detail").GetDouble()));

        CommandResult diffusion = Run("diffusion", "--channels", "32", "64", "--width", "32", "--layers", "1", "--steps", "2");
        Assert.True(diffusion.ExitCode == 0, diffusion.Error);
        Assert.Contains("2 of 2 steps are done", diffusion.Error, StringComparison.Ordinal);
        Assert.Equal("out/model", diffusion.Output.Trim());
        Assert.Equal([32, 64], Channels("unet"));

        CommandResult evaluation = CommandProcess.Run(
            _folder.Path, "pretrain", "evaluate", "--model", "out/model", "--data", "data", "--labels", "8", "--steps", "1", "--guidance", "1");
        Assert.True(evaluation.ExitCode == 0, evaluation.Error);
        string[] lines = evaluation.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("8 labels, 1 steps, guidance 1", lines[0]);
        Assert.Equal(["model", "VAE (ceiling)", "random (floor)", "sharpness"], lines[1..].Select(line => line[..15].TrimEnd()));
    }

    [Fact]
    public void Faults_are_one_sentence()
    {
        CommandProcess.Run(_folder.Path, "pretrain", "vae", "--data", "nowhere", "--output", "out").AssertFailsWith("nowhere");
        CommandProcess.Run(_folder.Path, "pretrain", "diffusion", "--data", "data", "--output", "out", "--from", "model", "--width", "64").AssertFailsWith("--width", "--from");
        CommandProcess.Run(_folder.Path, "pretrain", "evaluate", "--data", "nowhere", "--model", Repository.Golden("tiny-taiyi")).AssertFailsWith("nowhere");
    }

    private CommandResult Run(string verb, params string[] options) => CommandProcess.Run(
        _folder.Path,
        ["pretrain", verb, "--data", "data", "--output", "out", "--size", "16", "--batch-size", "2", "--sample-every", "0", "--dtype", "float32", .. options]);

    private IEnumerable<int> Channels(string part) => JsonDocument.Parse(File.ReadAllText(_folder.File($"out/model/{part}/config.json")))
        .RootElement.GetProperty("block_out_channels").EnumerateArray().Select(channels => channels.GetInt32());
}
