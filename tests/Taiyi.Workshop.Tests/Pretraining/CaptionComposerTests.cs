using Taiyi.Workshop.Composing;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Tests.Pretraining;

/// <summary>What captions may and may not say.</summary>
public sealed class CaptionComposerTests
{
    private static readonly ArtSubject Lion = new("noto/1f981.webp", "noto", "1f981", "狮子", ["动物", "野生动物"], "animals-nature");
    private static readonly PictureVariation Plain = new(PictureGround.White, [new Placement(0.5f, 0.5f, 1)], Mirrored: false, HueTurn: 0);

    [Theory]
    [InlineData("狮子")]
    [InlineData("一只狮子，卡通风格")]
    [InlineData("一只狮子，动物，卡通风格")]
    [InlineData("狮子，卡通风格，暖色调，科技感")]
    public void A_plain_picture_is_called_in_short_and_in_full(string caption) =>
        Assert.Contains(caption, Captions(Lion, Plain, colour: null));

    [Fact]
    public void Ground_size_and_place_are_said_as_they_are()
    {
        PictureGround pink = new(GroundKind.Plain, new Colour(325, 0.6f, 0.9f), new Colour(325, 0.6f, 0.9f));
        PictureVariation variation = Plain with { Ground = pink, Placements = [new Placement(0.3f, 0.5f, 0.5f)] };
        HashSet<string> captions = Captions(Lion, variation, colour: null);
        Assert.Contains("一只狮子，卡通风格，粉色背景，小，左边", captions);
        Assert.All(captions, caption => Assert.DoesNotContain("白色背景", caption));
        Assert.All(captions, caption => Assert.DoesNotContain("右", caption));
    }

    [Fact]
    public void Several_are_counted_and_another_colour_is_named()
    {
        PictureVariation two = Plain with { Placements = [new Placement(0.25f, 0.5f, 0.5f), new Placement(0.75f, 0.5f, 0.5f)], HueTurn = 180 };
        HashSet<string> captions = Captions(Lion, two, "蓝色");
        Assert.Contains("两只蓝色的狮子，卡通风格", captions);
        Assert.All(captions, caption => Assert.StartsWith("两只", caption));
    }

    [Fact]
    public void No_caption_is_longer_than_the_text_encoder()
    {
        ArtSubject longest = Lion with { Label = "趋势向上且带有日元符号的图表", Tags = ["带有日元符号的图表"] };
        PictureVariation variation = Plain with { Ground = PictureGround.Draw(new Random(3)), Placements = [new Placement(0.2f, 0.2f, 0.4f)] };
        Assert.All(Captions(longest, variation, "蓝色"), caption => Assert.InRange(caption.Length, 1, CaptionComposer.MaxCharacters));
    }

    [Fact]
    public void Other_names_belong_to_labels_of_the_art_archive()
    {
        using ArtArchive art = ArtArchive.Open(Repository.PathTo("data/art/emoji-128.zip"));
        ArtSubject[] named = [.. art.Subjects.Where(subject => SubjectWords.NamesOf(subject).Count > 0).DistinctBy(subject => subject.Label)];
        Assert.Equal(SubjectWords.Labels.Count(), named.Length);
    }

    private static HashSet<string> Captions(ArtSubject subject, PictureVariation variation, string? colour) =>
        [.. Enumerable.Range(0, 2000).Select(seed => CaptionComposer.Compose(subject, variation, colour, new Random(seed)))];
}
