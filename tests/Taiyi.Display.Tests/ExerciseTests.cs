using System.Xml.Linq;
using static TorchSharp.torch;

namespace Taiyi.Display.Tests;

[NoTensorLeak]
public sealed class ExerciseTests
{
    [Fact]
    public void Without_an_answer_it_is_open_and_the_rule_is_not_asked()
    {
        double? answer = null;
        ExerciseResult result = Exercise.Check("ᾱ <1>", answer, _ => throw new InvalidOperationException(), "multiply α");

        Assert.Null(result.Solved);
        Assert.Equal("○ ᾱ <1>: Not solved yet: replace null by your answer and run the cell again. 还没做：把 null 换成你的答案，再运行。", result.ToText());
        XElement html = XElement.Parse(result.ToHtml());
        Assert.Contains("ᾱ <1>", html.Value, StringComparison.Ordinal);
        Assert.Equal("Hint 提示multiply α", html.Element("details")!.Value);
    }

    [Theory]
    [InlineData(0.5, true, "✓ ᾱ: solved")]
    [InlineData(0.25, false, "✗ ᾱ: not this answer\nHint: multiply α")]
    public void An_answer_is_judged_by_the_rule(double given, bool solved, string text)
    {
        double? answer = given;
        ExerciseResult result = Exercise.Check("ᾱ", answer, value => value == 0.5, "multiply α");

        Assert.Equal(solved, result.Solved);
        Assert.Equal(text, result.ToText());
        Assert.Equal(!solved, XElement.Parse(result.ToHtml()).Value.Contains("multiply α", StringComparison.Ordinal));
    }

    [Fact]
    public void Texts_tensors_and_functions_are_answers_too()
    {
        string? open = null;
        Func<double, double>? snr = a => a / (1 - a);
        using Tensor pair = ones(2);

        Assert.Null(Exercise.Check("word", open, word => word == "猫", "it mews").Solved);
        Assert.True(Exercise.Check("SNR", snr, f => f(0.5) == 1, "ᾱ / (1-ᾱ)").Solved);
        Assert.True(Exercise.Check("sum", pair, x => x.numel() == 2, "count").Solved);
    }

    [Fact]
    public void A_wrong_answer_does_not_throw_where_all_checks_have_to_pass()
    {
        Check.Strict = true;
        try
        {
            Assert.False(Exercise.Check("n", (int?)3, n => n == 4, "count again").Solved);
        }
        finally
        {
            Check.Strict = false;
        }
    }
}
