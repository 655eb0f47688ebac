using System.Text.Json;

namespace Taiyi.Cli.Tests;

public class VerbTests
{
    [Fact]
    public void Tokenize_prints_the_ids_of_the_reference()
    {
        JsonElement cases = JsonDocument.Parse(File.ReadAllText(Repository.Golden("tokenizer.json"))).RootElement.GetProperty("cases");
        JsonElement golden = cases.EnumerateArray().First(c => c.GetProperty("text").GetString()!.Contains("狮子", StringComparison.Ordinal));

        CommandResult result = CommandProcess.Run(
            Repository.Root, "tokenize", golden.GetProperty("text").GetString()!, "--model", Repository.Golden("tiny-taiyi"), "--json");

        Assert.Equal(0, result.ExitCode);
        JsonElement printed = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal(Ids(golden), Ids(printed));
        Assert.Equal(printed.GetProperty("ids").GetArrayLength(), printed.GetProperty("tokens").GetArrayLength());

        static IEnumerable<long> Ids(JsonElement element) => element.GetProperty("ids").EnumerateArray().Select(i => i.GetInt64());
    }

    [Fact]
    public void Info_counts_the_parameters_of_each_network()
    {
        CommandResult result = CommandProcess.Run(Repository.Root, "info");

        Assert.Equal(0, result.ExitCode);
        Assert.Contains("11.0 M", result.Output, StringComparison.Ordinal); // data/models/taiyi-mini/README.md
        Assert.Contains("128 x 128 pixels", result.Output, StringComparison.Ordinal);
        Assert.Contains("4038 entries, 32 tokens", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Info_of_a_folder_that_is_no_model_says_what_was_looked_for() =>
        CommandProcess.Run(Repository.Root, "info", Repository.PathTo("lib")).AssertFailsWith("lib");

    [Theory]
    [InlineData("generate", "--guidance-scale")]
    [InlineData("train", "--recipe")]
    [InlineData("style", "--seeds")]
    [InlineData("tokenize", "--json")]
    [InlineData("info", "DIR")]
    [InlineData("pretrain vae", "--channels")]
    [InlineData("pretrain diffusion", "--from")]
    [InlineData("pretrain evaluate", "--labels")]
    [InlineData("distill", "--guidance-scale")]
    [InlineData("lora info", "FILE")]
    [InlineData("lora convert", "--format")]
    [InlineData("lora merge", "--lora")]
    [InlineData("compose emoji", "--count")]
    [InlineData("compose poster", "--count")]
    [InlineData("notebook run", "--timeout")]
    [InlineData("kernel install", "--prefix")]
    [InlineData("kernel run", "CONNECTION_FILE")]
    public void Every_verb_explains_itself(string verb, string part)
    {
        CommandResult result = CommandProcess.Run(Repository.Root, [.. verb.Split(' '), "--help"]);

        Assert.Equal(0, result.ExitCode);
        Assert.Contains(part, result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_verb_fails() => CommandProcess.Run(Repository.Root, "paint").AssertFailsWith("paint");
}
