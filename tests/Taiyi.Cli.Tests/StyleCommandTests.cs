using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi.Cli.Tests;

public class StyleCommandTests
{
    [Fact]
    public void A_LoRA_and_the_base_have_a_row_each_in_the_table_and_on_the_sheet()
    {
        using TemporaryFolder folder = new();
        CommandResult result = Style(folder);

        Assert.True(result.ExitCode == 0, result.Error);
        string[] rows = [.. result.Output.Split('\n').Where(line => line.StartsWith('│')).Select(line => line.Split('│')[1].Trim())];
        Assert.Contains("emoji LoRA", rows);
        Assert.Contains("base, as", rows); // "emoji" is on its second line
        Assert.EndsWith(folder.File("sheet.png"), result.Output.TrimEnd(), StringComparison.Ordinal);
        using Image<Rgb24> sheet = ImageFile.Read(folder.File("sheet.png"));
        Assert.Equal(10 * (sheet.Height + 2), sheet.Width + 2); // 2 rows of 20 squares, two pixels between them
    }

    [Fact]
    public void A_sheet_of_an_earlier_run_is_kept()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("sheet.png"), "of an earlier run");
        CommandResult result = Style(folder);

        Assert.EndsWith(folder.File("sheet_2.png"), result.Output.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal("of an earlier run", File.ReadAllText(folder.File("sheet.png")));
    }

    [Fact]
    public void Faults_are_one_sentence()
    {
        CommandProcess.Run(Repository.Root, "style", "comic=x.safetensors").AssertFailsWith("comic=x.safetensors", "emoji or poster");
        CommandProcess.Run(Repository.Root, "style", "emoji=x.safetensors", "--seeds", "0").AssertFailsWith("--seeds is 1 or more");
    }

    private static CommandResult Style(TemporaryFolder folder) => CommandProcess.Run(
            Repository.Root, "style", "emoji=" + Repository.Golden("lora/kohya.safetensors"), "--model", Repository.Golden("tiny-taiyi"),
            "--dtype", "float32", "--seeds", "1", "--steps", "1", "--output", folder.File("sheet.png"));
}
