using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Cli.Tests;

public sealed class DistillCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DistillCommandTests()
    {
        for (int i = 0; i < 4; i++)
        {
            using Image<Rgb24> image = new(32, 32, new Rgb24((byte)(60 * i), (byte)(255 - (60 * i)), 90));
            ImageFile.WritePng(_folder.File($"data/p{i}.png"), image);
            File.WriteAllText(_folder.File($"data/p{i}.txt"), "一只" + "猫狗鱼鸟"[i]);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_distillation_goes_on_and_its_file_draws_in_four_steps()
    {
        string model = Repository.Golden("tiny-taiyi"), lora = Path.Combine("run", "pytorch_lora_weights.safetensors");
        CommandResult first = Run(
            "distill", "--model", model, "--data", "data", "--output", "run", "--steps", "2", "--batch-size", "2", "--rank", "2", "--sample-every", "0", "--dtype", "float32", "-g", "5");
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Equal(lora, first.Output.Trim());
        Assert.Contains("2 of 2 steps are done", first.Error, StringComparison.Ordinal);
        string options = File.ReadAllText(_folder.File("run/options.json"));
        Assert.Contains("\"leastGuidanceScale\": 5", options, StringComparison.Ordinal);

        CommandResult second = Run("distill", "--output", "run", "--resume", "--steps", "3"); // model and data are those of the run
        Assert.True(second.ExitCode == 0, second.Error);
        Assert.Contains("3 of 3 steps are done", second.Error, StringComparison.Ordinal);

        CommandResult drawn = Run("generate", "一只猫", "--model", model, "--lora", lora, "--scheduler", "lcm", "--steps", "4", "-g", "1", "-n", "1", "--style", "");
        Assert.True(drawn.ExitCode == 0, drawn.Error);
        Assert.Contains("Steps: 4, Sampler: LCMScheduler, CFG scale: 1", ImageFile.ReadText(_folder.File(drawn.Output.Trim()))["parameters"], StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_are_one_sentence()
    {
        string model = Repository.Golden("tiny-taiyi");
        Run("distill", "--output", "none", "--resume").AssertFailsWith("holds no training to go on with");
        Run("distill", "--model", model, "--data", "nowhere", "--output", "run").AssertFailsWith("nowhere");
        Run("distill", "--model", model, "--data", "data", "--output", "run", "-g", "0").AssertFailsWith("guidance scale is 0");
    }

    private CommandResult Run(params string[] arguments) => CommandProcess.Run(_folder.Path, arguments);
}
