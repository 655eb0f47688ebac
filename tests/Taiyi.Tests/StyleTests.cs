namespace Taiyi.Tests;

public sealed class StyleTests
{
    [Fact]
    public void Twenty_held_out_subjects_are_asked_for_in_the_words_of_the_style()
    {
        Assert.Equal(20, Style.PlainPrompts.Distinct().Count());
        Assert.Equal("一只狮子，表情包风格", Style.Emoji.HeldOutPrompts[0]);
        Assert.Equal("一匹独角兽，海报风格", Style.Poster.HeldOutPrompts[19]);
        Assert.Equal(Style.Poster.HeldOutPrompts.Take(8), Style.Poster.SamplePrompts);
    }

    [Fact]
    public void A_style_of_the_users_own_has_no_words_and_no_prompts()
    {
        Style ink = Style.Of("ink");
        Assert.Equal(("ink", ""), (ink.Name, ink.Words));
        Assert.Empty(ink.HeldOutPrompts);
        Assert.Same(Style.Emoji, Style.Of("emoji"));
        Assert.Same(Style.Poster, Style.Of("poster"));
    }
}
