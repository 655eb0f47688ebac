using System.Diagnostics;
using System.Text.Json;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Cli.Tests.Distributed;
using Taiyi.Data;

namespace Taiyi.Cli.Tests;

/// <summary><c>taiyi generate --prompts FILE</c>.</summary>
public sealed class PromptFileCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public PromptFileCommandTests() => Write("prompts.csv", "prompt,seed,num_images,steps\n苹果,5,3,\n熊猫,,,2\n狮子,9,,1\n");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Rows_are_drawn_with_their_own_options_once_and_a_manifest_tells_them()
    {
        CommandResult result = Generate("--json");

        Assert.True(result.ExitCode == 0, result.Error);
        // Without a number of its own a row has that of the command line.
        Assert.Equal(
            [(2, "苹果", 5, 1), (2, "苹果", 6, 1), (2, "苹果", 7, 1), (3, "熊猫", 1000, 2), (3, "熊猫", 1001, 2), (4, "狮子", 9, 1), (4, "狮子", 10, 1)],
            Manifest("manifest.jsonl").Select(line => (line.GetProperty("line").GetInt32(), line.GetProperty("prompt").GetString()!, line.GetProperty("seed").GetInt32(), line.GetProperty("steps").GetInt32())));
        Assert.Equal(result.Output.TrimEnd(), File.ReadAllText(_folder.File("out/manifest.jsonl")).TrimEnd());
        Assert.Equal(Manifest("manifest.jsonl").Select(FileOf).Order(StringComparer.Ordinal), Pictures());
        Assert.Contains("Steps: 2,", ImageFile.ReadText(_folder.File("out/" + FileOf(Manifest("manifest.jsonl")[3])))["parameters"], StringComparison.Ordinal);

        // The same pictures as by the command's ordinary way.
        Assert.Equal(0, CommandProcess.Run(_folder.Path, [.. Model, "苹果", "--seed", "6", "--num-images", "1", "--steps", "1", "--style", "", "--output", "alone"]).ExitCode);
        using Image<Rgb24> alone = ImageFile.Read(_folder.File("alone/生成图_0.png")), row = ImageFile.Read(_folder.File("out/" + FileOf(Manifest("manifest.jsonl")[1])));
        Assert.Equal(alone.ToBytes(), row.ToBytes());

        CommandResult again = Generate();
        Assert.Equal((0, ""), (again.ExitCode, again.Output));
        Assert.Contains("0 pictures drawn, 7 were there", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_missing_is_drawn_and_nothing_else()
    {
        Assert.Equal(0, Generate().ExitCode);
        string[] names = [.. Manifest("manifest.jsonl").Select(FileOf)];
        Dictionary<string, DateTime> before = names.ToDictionary(name => name, name => File.GetLastWriteTimeUtc(_folder.File("out/" + name)));
        File.Delete(_folder.File("out/" + names[1]));
        // Killed between a picture and its line, and in the middle of a line.
        string[] lines = File.ReadAllLines(_folder.File("out/manifest.jsonl"));
        File.WriteAllText(_folder.File("out/manifest.jsonl"), string.Join('\n', lines[..6]) + "\n" + lines[6][..20]);
        // A row that moves is the row that it was; one that is changed is another.
        Write("prompts.csv", "prompt,seed,num_images,steps\n老虎,1,1,\n苹果,5,3,\n熊猫,,,2\n狮子,9,,1\n");

        CommandResult result = Generate();

        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Equal(2, result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length); // the tiger and the deleted apple
        Assert.Equal(9, Manifest("manifest.jsonl").Length); // six whole lines, the two pictures, and the one whose line was cut
        Assert.All(names.Where(name => name != names[1]), name => Assert.Equal(before[name], File.GetLastWriteTimeUtc(_folder.File("out/" + name))));
        Assert.Contains("0 pictures drawn", Generate().Error, StringComparison.Ordinal);
        Assert.Contains("8 pictures drawn", Generate("--negative-prompt", "水印").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_that_is_killed_goes_on_where_it_was()
    {
        Write("prompts.txt", string.Join('\n', Enumerable.Range(0, 30).Select(i => "苹果" + new string('和', i + 1))));
        string[] arguments = [.. Model, "--prompts", "prompts.txt", "--num-images", "1", "--steps", "2", "--output", "out"];
        using (Process process = CommandProcess.Start(_folder.Path, arguments))
        {
            for (int i = 0; i < 3; i++)
            {
                Assert.NotNull(process.StandardOutput.ReadLine());
            }

            process.Kill();
            process.WaitForExit();
        }

        int drawn = Pictures().Length;
        Assert.InRange(drawn, 3, 29);
        CommandResult result = CommandProcess.Run(_folder.Path, arguments);
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"{30 - drawn} pictures drawn, {drawn} were there", result.Error, StringComparison.Ordinal);
        Assert.Equal(30, Pictures().Length);
        Assert.Equal(30, Manifest("manifest.jsonl").Select(FileOf).Distinct().Count());
    }

    [Fact]
    public void Shares_of_users_arrays_and_mpirun_draw_every_row_once()
    {
        Write("prompts.txt", "苹果\n熊猫\n狮子\n老虎\n小猫");
        string[] arguments = [.. Model, "--prompts", "prompts.txt", "--num-images", "1", "--steps", "1", "--output", "out"];
        Dictionary<string, string> task = new()
        {
            ["SLURM_ARRAY_TASK_ID"] = "1",
            ["SLURM_ARRAY_TASK_MIN"] = "1",
            ["SLURM_ARRAY_TASK_STEP"] = "1",
            ["SLURM_ARRAY_TASK_COUNT"] = "2",
        };

        CommandResult first = CommandProcess.Run(_folder.Path, task, arguments); // rows 1, 3, 5
        Assert.True(first.ExitCode == 0, first.Error);
        Assert.Contains("3 pictures of share 1/2 drawn, 0 were there", first.Error, StringComparison.Ordinal);
        Assert.Contains("1 pictures of share 2/3 drawn, 1 were there", CommandProcess.Run(_folder.Path, [.. arguments, "--shard", "2/3"]).Error, StringComparison.Ordinal); // rows 2, 5
        MpiRun.Require();
        CommandResult both = MpiRun.Run(_folder.Path, 2, arguments); // rows 1, 3, 5 and 2, 4
        Assert.True(both.ExitCode == 0, both.Error);
        Assert.Contains("0 pictures of share 1/2 drawn, 3 were there", both.Error, StringComparison.Ordinal);
        Assert.Contains("1 pictures of share 2/2 drawn, 1 were there", both.Error, StringComparison.Ordinal);
        Assert.Equal(["manifest-1-of-2.jsonl", "manifest-2-of-2.jsonl", "manifest-2-of-3.jsonl"], Directory.GetFiles(_folder.File("out"), "manifest*").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(5, Pictures().Length);
    }

    [Fact]
    public void Faults_are_one_sentence_before_anything_is_drawn()
    {
        Write("wrong.csv", "prompt,height\n苹果,64\n熊猫,63\n");
        Write("typo.jsonl", "{\"promt\": \"苹果\"}");
        CommandProcess.Run(_folder.Path, [.. Model, "--prompts", "wrong.csv", "--output", "new"]).AssertFailsWith("'wrong.csv' line 3: The height is 63 pixels");
        CommandProcess.Run(_folder.Path, [.. Model, "--prompts", "typo.jsonl", "--output", "new"]).AssertFailsWith("'typo.jsonl' line 1 has 'promt'");
        CommandProcess.Run(_folder.Path, [.. Model, "--prompts", "none.txt", "--output", "new"]).AssertFailsWith("none.txt");
        Generate("--shard", "3/2").AssertFailsWith("1/N to N/N");
        Generate("--batch-size", "0").AssertFailsWith("--batch-size is 0");
        Generate("--latents", "x.safetensors").AssertFailsWith("--latents goes with prompts on the command line");
        CommandProcess.Run(_folder.Path, [.. Model, "苹果", "--prompts", "prompts.csv"]).AssertFailsWith("leave one of the two out");
        CommandProcess.Run(_folder.Path, [.. Model, "苹果", "--shard", "1/2"]).AssertFailsWith("--prompts FILE");
        CommandProcess.Run(_folder.Path, Model).AssertFailsWith("There is no prompt");
        Assert.False(Directory.Exists(_folder.File("new")));

        Directory.CreateDirectory(_folder.File("out"));
        using FileStream other = new(_folder.File("out/.manifest.lock"), FileMode.Create, FileAccess.Write, FileShare.None);
        Generate().AssertFailsWith("Another process draws the share 1/1");
    }

    private static string[] Model => ["generate", "--model", Repository.Golden("tiny-taiyi")];

    private CommandResult Generate(params string[] more) => CommandProcess.Run(
        _folder.Path, [.. Model, "--prompts", "prompts.csv", "--num-images", "2", "--steps", "1", "--style", "", "--output", "out", .. more]);

    private void Write(string name, string text) => File.WriteAllText(_folder.File(name), text);

    private string[] Pictures() => [.. Directory.GetFiles(_folder.File("out"), "*.png").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private JsonElement[] Manifest(string name) => [.. File.ReadAllLines(_folder.File("out/" + name)).Select(line => JsonDocument.Parse(line).RootElement)];

    private static string FileOf(JsonElement line) => line.GetProperty("file").GetString()!;
}
