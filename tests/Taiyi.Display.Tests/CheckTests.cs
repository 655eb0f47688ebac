using System.Xml.Linq;
using static TorchSharp.torch;

namespace Taiyi.Display.Tests;

[NoTensorLeak]
public sealed class CheckTests
{
    [Fact]
    public void A_rule_that_holds_is_green_and_keeps_its_hint_to_itself()
    {
        CheckResult result = Check.That("ᾱ 递减", true, "look at beta");

        Assert.True(result.Passed);
        Assert.Equal("✓ ᾱ 递减", result.ToText());
        Assert.Equal("✓ᾱ 递减", XElement.Parse(result.ToHtml()).Value);
        Assert.Contains("#2fa874", result.ToHtml(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_that_fails_is_red_and_helps()
    {
        CheckResult result = Check.Equal("mean <0>", 0.0, 0.25, 0.1, "is the noise normal?");

        Assert.False(result.Passed);
        Assert.Equal("✗ mean <0>: expected 0 ± 0.1, got 0.25\nHint: is the noise normal?", result.ToText());
        Assert.Contains("Hint: is the noise normal?", XElement.Parse(result.ToHtml()).Value, StringComparison.Ordinal);
        Assert.Contains("#d9534f", result.ToHtml(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1.0, 1.1, 0.1000001, true)]
    [InlineData(1.0, 1.1, 0.0999, false)]
    [InlineData(1.0, double.NaN, 1, false)]
    [InlineData(double.NaN, double.NaN, 0, true)]
    [InlineData(double.PositiveInfinity, double.PositiveInfinity, 0, true)]
    [InlineData(double.PositiveInfinity, 1, 5, false)]
    public void Numbers_are_equal_within_the_tolerance(double expected, double actual, double tolerance, bool passes) =>
        Assert.Equal(passes, Check.Equal("x", expected, actual, tolerance).Passed);

    [Fact]
    public void Numbers_that_differ_late_are_not_shown_as_the_same()
    {
        Assert.Equal("✗ x: expected 1, got 1.000001", Check.Equal("x", 1.0, 1.000001).ToText());
    }

    [Fact]
    public void Tensors_are_compared_by_shape_and_largest_difference()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor([1f, 2f]);

        Assert.True(Check.Equal("x", a, a + 0.5f, 0.5).Passed);
        Assert.Contains("largest difference 0.5", Check.Equal("x", a, a + 0.5f, 0.4).ToText(), StringComparison.Ordinal);
        Assert.Contains("expected the shape (2), got the shape (1, 2)", Check.Equal("x", a, a.unsqueeze(0)).ToText(), StringComparison.Ordinal);
        Assert.False(Check.Equal("x", a, a * float.NaN, 1).Passed);
    }

    [Fact]
    public void Other_values_are_compared_by_their_equality()
    {
        Assert.True(Check.Equal("shape", new long[] { 1, 4, 8, 8 }, new long[] { 1, 4, 8, 8 }).Passed);
        Assert.Equal("✗ word: expected 猫, got 狗", Check.Equal("word", "猫", "狗").ToText());
        Assert.Equal("✗ n: expected 3, got 4", Check.Equal("n", 3, 4).ToText());
        Assert.Equal("✗ shape: expected (1, 2), got (1, 3)", Check.Equal("shape", new[] { 1, 2 }, new[] { 1, 3 }).ToText());
    }

    [Fact]
    public void A_failed_check_throws_where_all_have_to_pass()
    {
        Check.Strict = true;
        try
        {
            Assert.True(Check.That("holds", true).Passed);
            CheckFailedException error = Assert.Throws<CheckFailedException>(() => Check.That("does not", false, "why"));
            Assert.Equal("✗ does not: Hint: why", error.Message);
            Assert.Equal("does not", error.Result.Name);
        }
        finally
        {
            Check.Strict = false;
        }
    }

    [Fact]
    public void Several_checks_are_shown_in_their_order()
    {
        CheckList list = Check.All(Check.That("first", true), Check.That("second", false));

        Assert.Equal("✓ first\n✗ second", list.ToText());
        Assert.Equal(2, XElement.Parse(list.ToHtml()).Elements("div").Count());
    }
}
