using Taiyi.Lora;

namespace Taiyi.Tests.Lora;

public class LoraReferenceTests
{
    [Theory]
    [InlineData("emoji.safetensors", "emoji.safetensors", 1)]
    [InlineData("emoji.safetensors:0.8", "emoji.safetensors", 0.8)]
    [InlineData("emoji.safetensors:-1", "emoji.safetensors", -1)]
    [InlineData("folder/表情:.5", "folder/表情", 0.5)]
    [InlineData(@"C:\lora\emoji.safetensors", @"C:\lora\emoji.safetensors", 1)]
    [InlineData(@"C:\lora\emoji.safetensors:0.8", @"C:\lora\emoji.safetensors", 0.8)]
    [InlineData(@"C:\2024", @"C:\2024", 1)]
    [InlineData("C:2024", "C:2024", 1)]
    [InlineData("a:b:0.5", "a:b", 0.5)]
    [InlineData("emoji.safetensors:NaN", "emoji.safetensors:NaN", 1)]
    [InlineData("emoji.safetensors:", "emoji.safetensors:", 1)]
    public void Only_a_trailing_number_is_a_weight(string text, string path, double weight) =>
        Assert.Equal(new LoraReference(path, weight), LoraReference.Parse(text));

    [Fact]
    public void The_decimal_point_does_not_depend_on_the_culture()
    {
        System.Globalization.CultureInfo before = System.Globalization.CultureInfo.CurrentCulture;
        try
        {
            System.Globalization.CultureInfo.CurrentCulture = new("de-DE");
            Assert.Equal(0.8, LoraReference.Parse("emoji:0.8").Weight);
        }
        finally
        {
            System.Globalization.CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public void An_empty_text_is_refused() => Assert.Contains("FILE:WEIGHT", Assert.Throws<ArgumentException>(() => LoraReference.Parse(" ")).Message);
}
