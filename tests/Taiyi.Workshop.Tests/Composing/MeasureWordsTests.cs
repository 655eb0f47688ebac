using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Tests.Composing;

public sealed class MeasureWordsTests
{
    [Theory]
    [InlineData("汽车", "travel-places", "一辆")]
    [InlineData("章鱼", "animals-nature", "一只")]     // not 一条 as other 鱼
    [InlineData("热带鱼", "animals-nature", "一条")]
    [InlineData("雨伞", "travel-places", "一把")]
    [InlineData("爆米花", "food-drink", "一桶")]      // not 一朵 as other 花
    [InlineData("向日葵", "animals-nature", "一朵")]
    [InlineData("公交车站", "travel-places", "一座")]
    [InlineData("公交车", "travel-places", "一辆")]
    [InlineData("两点半", "travel-places", "")]
    [InlineData("嘿嘿", "smileys", "")]
    [InlineData("红心", "smileys", "一颗")]
    [InlineData("猫脸", "animals-nature", "一个")]
    [InlineData("松鼠", "animals-nature", "一只")]
    [InlineData("盒饭", "food-drink", "一份")]
    [InlineData("回旋镖", "activities", "一个")]
    public void The_longest_ending_of_a_label_decides_else_its_group(string label, string group, string measureWord) =>
        Assert.Equal(measureWord, MeasureWords.Of(new ArtSubject("", "noto", "", label, [], group)));
}
