using Taiyi.Files;
using Taiyi.Models;

namespace Taiyi.Tests.Models;

/// <summary>Words that a model folder adds to its vocabulary, as transformers' BertTokenizer reads them, and words that it lacks.</summary>
public sealed class AddedTokenTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("added").FullName;

    public AddedTokenTests()
    {
        foreach (string name in new[] { "vocab.txt", "tokenizer_config.json" })
        {
            File.Copy(Path.Combine(Repository.Golden("tiny-taiyi/tokenizer"), name), Path.Combine(_folder, name));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // tiny-taiyi's vocab.txt has 303 lines; 一, 只, 狮, 子 are its lines 150, 162, 169 and 170, counted from 0.
    [Theory]
    [InlineData("added_tokens.json", """{"<my-cat>": 303}""")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": {"0": {"content": "[PAD]", "special": true}, "303": {"content": "<my-cat>", "normalized": true, "special": false}}}""")]
    [InlineData("special_tokens_map.json", """{"unk_token": "[UNK]", "additional_special_tokens": ["<my-cat>"]}""")]
    [InlineData("special_tokens_map.json", """{"additional_special_tokens": [{"content": "<my-cat>", "lstrip": false, "normalized": false}]}""")]
    [InlineData("tokenizer_config.json", """{"extra_special_tokens": {"cat_token": "<my-cat>"}}""")]
    public void A_word_of_any_of_the_files_is_one_id_wherever_it_stands(string file, string content)
    {
        File.WriteAllText(Path.Combine(_folder, file), content);
        BertTokenizer tokenizer = BertTokenizer.FromFolder(_folder, vocabSize: 304);

        Assert.Equal([2, 303, 150, 162, 169, 170, 3], tokenizer.Encode("<my-cat> 一只狮子").Ids);
        Assert.Equal([2, 150, 162, 303, 169, 303, 3], tokenizer.Encode("一只<my-cat>狮<my-cat>").Ids);
        Assert.Equal("<my-cat>", tokenizer.Encode("<my-cat>").Tokens[1]);
    }

    [Fact]
    public void A_common_word_is_found_in_capitals_and_a_special_one_only_as_it_is_written()
    {
        File.WriteAllText(Path.Combine(_folder, "added_tokens.json"), """{"<My-Cat>": 303, "<Dog>": 304}""");
        File.WriteAllText(Path.Combine(_folder, "special_tokens_map.json"), """{"additional_special_tokens": ["<Dog>"]}""");
        BertTokenizer tokenizer = BertTokenizer.FromFolder(_folder);

        Assert.Equal([2, 303, 303, 304, 3], tokenizer.Encode("<my-cat><MY-CAT><Dog>").Ids);
        Assert.DoesNotContain(304, tokenizer.Encode("<dog>").Ids);
    }

    [Fact]
    public void The_longest_word_wins_and_a_word_of_several_vectors_stands_for_all()
    {
        File.WriteAllText(Path.Combine(_folder, "added_tokens.json"), """{"狮子": 303, "狮子王": 304, "<toy>": 305, "<toy>_1": 306, "<toy>_2": 307}""");
        BertTokenizer tokenizer = BertTokenizer.FromFolder(_folder);

        Assert.Equal([2, 304, 303, 150, 3], tokenizer.Encode("狮子王狮子一").Ids);
        Assert.Equal([2, 150, 305, 306, 307, 3], tokenizer.Encode("一<toy>").Ids);
        Assert.Equal("<toy>", tokenizer.Encode("一<toy>", maxLength: 5).CutText); // two of its three vectors would fit
    }

    [Fact]
    public void An_entry_of_the_vocabulary_may_be_made_a_special_token()
    {
        string[] vocabulary = File.ReadAllLines(Path.Combine(_folder, "vocab.txt"));
        File.WriteAllLines(Path.Combine(_folder, "vocab.txt"), [.. vocabulary, "[unused1]"]);
        Assert.True(BertTokenizer.FromFolder(_folder).Encode("[unused1]").Ids.Count > 3);
        File.WriteAllText(Path.Combine(_folder, "special_tokens_map.json"), """{"additional_special_tokens": ["[unused1]"]}""");
        Assert.Equal([2, 303, 3], BertTokenizer.FromFolder(_folder).Encode("[unused1]").Ids);
    }

    [Fact]
    public void A_token_without_a_row_in_the_text_encoder_is_named()
    {
        File.WriteAllText(Path.Combine(_folder, "added_tokens.json"), """{"<my-cat>": 303}""");
        string message = Assert.Throws<CheckpointException>(() => BertTokenizer.FromFolder(_folder, vocabSize: 303)).Message;
        Assert.Contains("'<my-cat>'", message);
        Assert.Contains("303 rows", message);
    }

    [Theory]
    [InlineData("added_tokens.json", """{"<my-cat>": "many"}""", "<my-cat>")]
    [InlineData("added_tokens.json", """["<my-cat>"]""", "added_tokens.json")]
    [InlineData("special_tokens_map.json", """{"additional_special_tokens": [3]}""", "additional_special_tokens")]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder": {"x": {"content": "<my-cat>"}}}""", "added_tokens_decoder")]
    public void A_malformed_file_is_named(string file, string content, string expected)
    {
        File.WriteAllText(Path.Combine(_folder, file), content);
        string message = Assert.Throws<CheckpointException>(() => BertTokenizer.FromFolder(_folder)).Message;
        Assert.Contains(expected, message);
        Assert.Contains(file, message);
    }

    // 隻, 獅 and ☂ are not among the 303 entries; 'cats' is cat and ##s.
    [Theory]
    [InlineData("一隻獅子", "隻 獅")]
    [InlineData("獅獅子", "獅")]
    [InlineData("cats 一只 ☂☂", "☂☂")]
    [InlineData("一只[UNK]狮子", "")]
    [InlineData("一只狮子", "")]
    public void Words_that_the_vocabulary_lacks_are_named_as_they_stand_in_the_text(string text, string expected)
    {
        TokenizedPrompt prompt = BertTokenizer.FromFolder(_folder).Encode(text);
        Assert.Equal(expected, string.Join(' ', prompt.UnknownWords));
        Assert.Equal(expected.Length > 0, prompt.Losses("prompt").Any(loss => loss.Contains("[UNK]") && loss.EndsWith(expected.Replace(" ", ", "), StringComparison.Ordinal)));
    }

    [Fact]
    public void What_is_cut_is_told_and_what_lies_behind_the_cut_is_told_once()
    {
        TokenizedPrompt prompt = BertTokenizer.FromFolder(_folder).Encode("一隻獅子", maxLength: 4);
        Assert.Equal(["隻"], prompt.UnknownWords);
        Assert.Equal("獅子", prompt.CutText);
        Assert.Equal(2, prompt.Losses("caption").Count());
        Assert.Contains("The caption is longer than the text encoder reads; this was cut off: 獅子", prompt.Losses("caption"));
    }
}
