using Taiyi.Batches;

namespace Taiyi.Tests.Batches;

public sealed class PromptFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("taiyi-prompts-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_text_file_has_a_prompt_a_line() =>
        Assert.Equal([new PromptRequest(1, "一只狮子"), new PromptRequest(4, "两只猫, 水墨")], Read("prompts.txt", "一只狮子\r\n\n  \n 两只猫, 水墨 "));

    [Fact]
    public void A_csv_has_columns_in_any_order_and_empty_fields_are_not_there() => Assert.Equal(
        [
            new PromptRequest(2, "一只狮子, 近景") { Seed = 7, Steps = 20, GuidanceScale = 4.5 },
            new PromptRequest(3, "猫") { NegativePrompt = "水印", Seed = -1, NumImages = 3, Height = 64, Width = 128 },
        ],
        Read("prompts.csv", "seed,prompt,steps,guidance_scale,negative_prompt,num_images,height,width\n7,\"一只狮子, 近景\",20,4.5,,,,\n18446744073709551615,猫,,,水印,3,64,128\n"));

    [Fact]
    public void Json_lines_have_the_same_names() => Assert.Equal(
        [new PromptRequest(1, "狮子") { Seed = 7, GuidanceScale = 4 }, new PromptRequest(3, "猫") { NumImages = 2 }],
        Read("prompts.jsonl", "{\"prompt\": \"狮子\", \"seed\": 7, \"guidance_scale\": 4.0, \"steps\": null}\n\n{\"num_images\": \"2\", \"prompt\": \"猫\"}"));

    [Theory]
    [InlineData("a.txt", " \n", "holds no prompt")]
    [InlineData("a.csv", "prompt,seed\n狮子,x", "line 2: seed is x")]
    [InlineData("a.csv", "prompt,steps\n狮子,0", "line 2: steps is 0; it must be a whole number, 1 or more")]
    [InlineData("a.csv", "prompt,sed\n狮子,1", "line 2 has 'sed', which no option is called; there are prompt, negative_prompt, seed")]
    [InlineData("a.csv", "prompt,seed\n狮子, 草地,1", "line 2 has 3 fields, its header has 2")]
    [InlineData("a.csv", "prompt,seed\n,1", "line 2 has no prompt")]
    [InlineData("a.csv", "prompt\n\"狮子", "line 2")]
    [InlineData("a.jsonl", "{\"prompt\": \"狮子\"}\n{\"prompt\"", "line 2 is not valid JSON")]
    [InlineData("a.jsonl", "[1]", "line 1 is a JSON Array")]
    [InlineData("a.jsonl", "{\"prompt\": \"狮子\", \"guidance_scale\": \"much\"}", "guidance_scale is much")]
    public void A_malformed_row_is_named_by_its_line(string name, string text, string part) =>
        Assert.Contains(part, Assert.Throws<PromptFileException>(() => Read(name, text)).Message, StringComparison.Ordinal);

    private IReadOnlyList<PromptRequest> Read(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return PromptFile.Read(path);
    }
}
