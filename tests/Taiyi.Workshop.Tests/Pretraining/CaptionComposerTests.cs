using Taiyi.Workshop.Composing;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Workshop.Tests.Pretraining;

/// <summary>What captions may and may not say.</summary>
public sealed class CaptionComposerTests
{
    private static readonly ArtSubject Lion = new("noto/1f981.webp", "noto", "1f981", "狮子", ["动物", "野生动物"], "animals-nature");
    private static readonly PictureVariation Plain = PictureVariation.Original;

    [Theory]
    [InlineData("狮子")]
    [InlineData("一只狮子，卡通风格")]
    [InlineData("一只狮子，动物，卡通风格")]
    [InlineData("狮子，卡通风格，暖色调，科技感")]
    public void A_plain_picture_is_called_in_short_and_in_full(string caption) =>
        Assert.Contains(caption, Captions(Lion, Plain, colour: null));

    [Fact]
    public void Ground_size_outline_and_frame_are_said_as_they_are()
    {
        PictureGround pink = new(GroundKind.Plain, new Colour(325, 0.6f, 0.9f), new Colour(325, 0.6f, 0.9f));
        PictureVariation variation = Plain with { Ground = pink, Placement = new Placement(0.5f, 0.5f, 0.7f), Outline = 0.03f };
        HashSet<string> captions = Captions(Lion, variation, colour: null);
        Assert.Contains("一只狮子，卡通风格，粉色背景，小，白色描边", captions);
        Assert.All(captions, caption => Assert.DoesNotContain("白色背景", caption));
        Assert.All(captions, caption => Assert.DoesNotContain("边框", caption));
    }

    [Fact]
    public void Another_colour_is_named()
    {
        PictureVariation blue = Plain with { HueTurn = 180 };
        Assert.Contains("一只蓝色的狮子，卡通风格", Captions(Lion, blue, "蓝色"));
        int named = Enumerable.Range(0, 2000).Count(seed => CaptionComposer.Compose(Lion, blue, "蓝色", new Random(seed)).Contains("蓝色的", StringComparison.Ordinal));
        Assert.InRange(named, 1900 - 40, 1900 + 40); // 95 of 100, within four standard deviations
    }

    [Fact]
    public void No_caption_is_longer_than_the_text_encoder()
    {
        ArtSubject longest = Lion with { Label = "趋势向上且带有日元符号的图表", Tags = ["带有日元符号的图表"] };
        PictureVariation variation = Plain with { Ground = PictureGround.Draw(new Random(3)), Placement = new Placement(0.5f, 0.5f, 0.7f), Outline = 0.03f, Frame = PictureFrame.Draw(new Random(4)) };
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
