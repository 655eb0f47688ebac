using Spectre.Console;
using Taiyi.Cli;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Snapshots;

namespace Taiyi.Tests.Cli;

public sealed class LoraCommandsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lora-cli").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Info_prints_format_rank_alpha_and_targets()
    {
        using StringWriter text = new();
        IAnsiConsole before = AnsiConsole.Console;
        AnsiConsole.Console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(text) });
        try
        {
            Assert.Equal(0, Invoke("info", Golden("kohya.safetensors")));
        }
        finally
        {
            AnsiConsole.Console = before;
        }

        string[] lines = [.. text.ToString().Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        Assert.Contains("format kohya", lines);
        Assert.Contains("rank, alpha 8, 16: scale 2", lines);
        Assert.Contains("attn2.to_k LoRA 3 32 32 8 16", lines); // of tiny-taiyi's four transformers, three are 32 wide
        Assert.Contains("attn2.to_k LoRA 1 32 64 8 16", lines);
    }

    [Theory]
    [InlineData("diffusers", LoraFormat.Diffusers)]
    [InlineData("old-diffusers", LoraFormat.OldDiffusers)]
    [InlineData("peft", LoraFormat.Peft)]
    [InlineData("kohya", LoraFormat.Kohya)]
    public void Convert_writes_every_format(string name, LoraFormat format)
    {
        string output = Path.Combine(_folder, name);
        Assert.Equal(0, Invoke("convert", Golden("kohya.safetensors"), "--format", name, "--output", output));
        using LoraFile file = LoraFile.Read(output);
        Assert.Equal((format, 32, 16.0), (file.Format, file.Modules.Count, file.Config.Alpha));
    }

    [Fact]
    public void Convert_does_not_replace_a_file()
    {
        string output = Path.Combine(_folder, "mine.safetensors");
        File.WriteAllText(output, "of an earlier run");
        Assert.Equal(1, Invoke("convert", Golden("kohya.safetensors"), "--format", "diffusers", "--output", output));
        Assert.Equal("of an earlier run", File.ReadAllText(output));
    }

    [Fact]
    public void Merge_writes_a_model_that_opens()
    {
        string output = Path.Combine(_folder, "merged");
        Assert.Equal(0, Invoke("merge", "--model", Repository.Golden("tiny-taiyi"), "--lora", Golden("kohya.safetensors") + ":0.7", "--lora", Golden("second_no_metadata.safetensors"), "-o", output));
        using IStateDictFile unet = ModelFolder.Open(output).OpenUNet();
        Assert.Equal(208, unet.Tensors.Count);
    }

    [Fact]
    public void Faults_of_the_input_end_with_code_1()
    {
        Assert.Equal(1, Invoke("info", Path.Combine(_folder, "missing.safetensors")));
        Assert.Equal(1, Invoke("convert", Golden("kohya.safetensors"), "--format", "webui", "--output", _folder));
        Assert.Equal(1, Invoke("merge", "--model", Repository.Golden("tiny-taiyi"), "--lora", Golden("kohya.safetensors"), "-o", Repository.Golden("lora"))); // not empty
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    private static int Invoke(params string[] args) => LoraCommands.Create().Parse(args).Invoke();

    private static string Golden(string file) => Repository.Golden("lora/" + file);
}
