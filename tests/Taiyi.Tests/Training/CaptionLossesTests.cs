using Taiyi.Data;
using Taiyi.Models;
using Taiyi.Training;

namespace Taiyi.Tests.Training;

public sealed class CaptionLossesTests
{
    private static readonly BertTokenizer Tokenizer = BertTokenizer.FromFolder(Repository.Golden("tiny-taiyi/tokenizer"), maxPositionEmbeddings: 8);

    [Fact]
    public void Captions_that_are_read_whole_are_not_spoken_of() => Assert.Empty(CaptionLosses.Of(Tokenizer, [Entry("a.png", "一只狮子")]));

    [Fact]
    public void Unknown_characters_and_cut_captions_are_told_with_their_pictures()
    {
        IReadOnlyList<string> told = CaptionLosses.Of(Tokenizer, [Entry("a.png", "一隻狮子"), Entry("b.png", "一隻獅子"), Entry("c.png", "一只狮子一只狮子")]);

        Assert.Equal(2, told.Count);
        Assert.Contains("2 captions have", told[0]);
        Assert.Contains("隻, 獅 (in a.png, b.png)", told[0]);
        // 8 tokens less [CLS] and [SEP] leave 6 of 8 characters.
        Assert.Contains("1 caption has more than the 8 tokens", told[1]);
        Assert.Contains("“狮子” (c.png)", told[1]);
    }

    [Fact]
    public void Of_many_captions_five_are_shown()
    {
        string told = Assert.Single(CaptionLosses.Of(Tokenizer, [.. Enumerable.Range(0, 7).Select(i => Entry($"{i}.png", "獅"))]));
        Assert.EndsWith("(in 0.png, 1.png, 2.png, 3.png, 4.png and 2 more)", told);
    }

    private static Text2ImageEntry Entry(string name, string caption) => new(name, name, caption);
}
