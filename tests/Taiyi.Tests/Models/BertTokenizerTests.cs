using System.Text.Json.Nodes;
using Taiyi.Files;
using Taiyi.Models;

namespace Taiyi.Tests.Models;

public sealed class BertTokenizerTests
{
    private static readonly JsonNode Golden = JsonNode.Parse(File.ReadAllText(Repository.Golden("tokenizer.json")))!;

    [Fact]
    public void Every_golden_text_has_the_tokens_and_ids_of_the_reference()
    {
        BertTokenizer tokenizer = BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"));
        JsonArray cases = Golden["cases"]!.AsArray();

        Assert.True(cases.Count > 50);
        Assert.All(cases, golden =>
        {
            TokenizedPrompt prompt = tokenizer.Encode((string)golden!["text"]!);
            Assert.Equal(golden["tokens"]!.AsArray().Select(token => (string)token!), prompt.Tokens);
            Assert.Equal(golden["ids"]!.AsArray().Select(id => (long)id!), prompt.Ids);
        });
    }

    [Fact]
    public void Padding_to_512_equals_the_reference()
    {
        BertTokenizer tokenizer = BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"));

        Assert.All(Golden["padded_to_512"]!.AsArray(), golden =>
            Assert.Equal(golden!["ids"]!.AsArray().Select(id => (long)id!), tokenizer.Encode((string)golden["text"]!).PaddedIds));
    }

    [Fact]
    public void The_longest_text_is_what_tokenizer_and_encoder_both_take()
    {
        Assert.Equal(512, BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer")).MaxLength);
        Assert.Equal(40, BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"), maxPositionEmbeddings: 40).MaxLength);
        Assert.Equal(32, BertTokenizer.FromFolder(Path.Combine(Repository.MiniModel, "tokenizer"), maxPositionEmbeddings: 512).MaxLength);
    }

    [Fact]
    public void The_text_that_does_not_fit_is_reported()
    {
        BertTokenizer tokenizer = BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"));

        Assert.Equal("", tokenizer.Encode("一只狮子", maxLength: 6).CutText);
        Assert.Equal("子", tokenizer.Encode("一只狮子", maxLength: 5).CutText);
        Assert.Equal(["[CLS]", "一", "只", "狮", "[SEP]"], tokenizer.Encode("一只狮子", maxLength: 5).Tokens);
        Assert.Equal("cats dogs", tokenizer.Encode("狮 cats dogs", maxLength: 4).CutText); // "cat" is kept, "##s" is not
        Assert.Equal("é狮", tokenizer.Encode("\u200b狮é狮", maxLength: 3).CutText); // positions are those of the text as given
    }

    [Fact]
    public void A_text_with_a_lone_surrogate_loses_only_that()
    {
        BertTokenizer tokenizer = BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"));

        Assert.Equal(["[CLS]", "狮", "子", "[SEP]"], tokenizer.Encode("狮\ud83d子").Tokens);
    }

    [Fact]
    public void A_symbol_that_is_punctuation_without_its_accent_stands_alone()
    {
        BertTokenizer tokenizer = BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"));

        Assert.Equal(["[CLS]", "a", "=", "b", "[SEP]"], tokenizer.Encode("a≠b").Tokens); // ≠ is = and U+0338 in NFD
    }

    [Theory]
    [InlineData(1)]
    [InlineData(513)]
    public void A_length_out_of_range_is_refused_with_the_range(int maxLength)
    {
        BertTokenizer tokenizer = BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"));

        var error = Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Encode("狮", maxLength));

        Assert.Contains("2 to 512", error.Message);
    }

    [Fact]
    public void A_folder_without_a_vocabulary_is_refused_by_its_path()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("taiyi-tokenizer");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer_config.json"), "{}");
            var missing = Assert.Throws<CheckpointException>(() => BertTokenizer.FromFolder(folder.FullName));
            Assert.Contains("vocab.txt", missing.Message);

            File.WriteAllText(Path.Combine(folder.FullName, "vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n");
            var incomplete = Assert.Throws<CheckpointException>(() => BertTokenizer.FromFolder(folder.FullName));
            Assert.Contains("vocab.txt", incomplete.Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
