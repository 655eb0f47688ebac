using Taiyi.Models;
using Taiyi.Workshop.Composing;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Tests.Pretraining;

/// <summary>The vocabulary: complete, in BERT's order, and readable by the tokenizer.</summary>
public sealed class VocabularyTests
{
    [Fact]
    public void Common_characters_are_those_of_both_tables()
    {
        // 3,755 of GB 2312 level 1 and 119 of the 3,500 general standard characters that are not among them.
        Assert.Equal(3755 + 119, Vocabulary.CommonCharacters.Count);
        Assert.Contains('啊', Vocabulary.CommonCharacters); // the first of row 16
        Assert.Contains('座', Vocabulary.CommonCharacters); // the last of row 55
        Assert.Contains('蜻', Vocabulary.CommonCharacters);
    }

    [Fact]
    public void Every_caption_of_the_art_is_read_without_unknown_tokens()
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/emoji-128.zip"));
        ArtSubject[] few = [.. art.Subjects.Where((_, i) => i % 100 == 0)];
        string folder = Directory.CreateTempSubdirectory("taiyi-vocabulary-").FullName;
        try
        {
            Vocabulary.WriteTokenizer(folder, Vocabulary.Build(CaptionComposer.Texts(art.Subjects)), maxLength: 32);
            BertTokenizer tokenizer = BertTokenizer.FromFolder(folder);
            ArtPictures pictures = ArtPictures.Load(art, size: 8, take: few.Contains);
            for (int number = 0; number < 1000; number++)
            {
                TokenizedPrompt caption = tokenizer.Encode(pictures.Caption(number, wording: 0));
                Assert.DoesNotContain("[UNK]", caption.Tokens);
                Assert.Empty(caption.CutText);
            }

            Assert.All(art.Subjects, subject => Assert.DoesNotContain("[UNK]", tokenizer.Encode(subject.Label).Tokens));
            Assert.DoesNotContain("[UNK]", tokenizer.Encode("Hello, 2026！“一只小猫”（卡通）《书》…").Tokens);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Special_tokens_come_first_and_no_token_twice()
    {
        IReadOnlyList<string> tokens = Vocabulary.Build(["龘一 A"]);
        Assert.Equal(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], tokens.Take(5));
        Assert.Contains("龘", tokens);
        Assert.DoesNotContain("A", tokens);
        Assert.Equal(tokens.Count, tokens.Distinct().Count());
    }
}
