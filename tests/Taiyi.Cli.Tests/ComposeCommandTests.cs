using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Cli.Tests;

public class ComposeCommandTests
{
    // A smaller set of the same seed is the beginning of the larger: data/ holds those of 120.
    [Theory]
    [InlineData("emoji")]
    [InlineData("poster")]
    public void A_small_set_begins_as_the_shipped_one(string style)
    {
        using TemporaryFolder folder = new();
        CommandResult result = CommandProcess.Run(Repository.Root, "compose", style, "--output", folder.Path, "--count", "3");

        Assert.True(result.ExitCode == 0, result.Error);
        string[] rows = File.ReadAllLines(folder.File("metadata.jsonl"));
        Assert.Equal(File.ReadAllLines(Repository.PathTo($"data/{style}/metadata.jsonl"))[..3], rows);
        string[] names = [.. Directory.GetFiles(folder.File("images")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        Assert.Equal(3, names.Length);
        Assert.All(names, name =>
        {
            using Image<Rgb24> composed = ImageFile.Read(folder.File("images/" + name));
            Assert.Equal((512, 512), (composed.Width, composed.Height));
            Assert.Contains($"images/{name}", string.Concat(rows), StringComparison.Ordinal);
        });
        Assert.True(File.Exists(folder.File("README.md")));
    }

    [Fact]
    public void Faults_are_one_sentence()
    {
        using TemporaryFolder folder = new();
        CommandProcess.Run(folder.Path, "compose", "emoji", "--output", "set").AssertFailsWith("art");
        CommandProcess.Run(Repository.Root, "compose", "emoji", "--output", folder.File("set"), "--count", "0").AssertFailsWith("1 to", "got 0");
    }
}
