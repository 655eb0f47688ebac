using System.Collections;
using System.Globalization;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>Checks that a notebook shows its reader: of its own claims, and of the answers to its exercises.</summary>
public static class Check
{
    /// <summary>The environment variable that turns <see cref="Strict"/> on: 1 or true.</summary>
    public const string StrictVariable = "TAIYI_STRICT_CHECKS";

    /// <summary>A failed check throws, so that a notebook whose claims are wrong fails where it is run as a test.</summary>
    public static bool Strict { get; set; } = Environment.GetEnvironmentVariable(StrictVariable) is "1" or "true";

    /// <summary>Checks a condition.</summary>
    /// <param name="name">The rule as a sentence that is true when the check passes.</param>
    /// <param name="condition">Whether it holds.</param>
    /// <param name="hint">What to look at when it does not.</param>
    /// <exception cref="CheckFailedException">It does not hold, and <see cref="Strict"/> is on.</exception>
    public static CheckResult That(string name, bool condition, string? hint = null) =>
        Conclude(new CheckResult(name, condition, condition ? null : Hint(hint)));

    /// <summary>Checks a number within a tolerance.</summary>
    /// <param name="name">The rule.</param>
    /// <param name="expected">The number it should be.</param>
    /// <param name="actual">The number it is.</param>
    /// <param name="tolerance">The largest distance between both that passes.</param>
    /// <param name="hint">What to look at when it fails.</param>
    /// <exception cref="CheckFailedException">The numbers differ by more, and <see cref="Strict"/> is on.</exception>
    public static CheckResult Equal(string name, double expected, double actual, double tolerance, string? hint = null)
    {
        bool passed = expected.Equals(actual) || Math.Abs(expected - actual) <= tolerance;
        string allowed = tolerance == 0 ? "" : $" ± {Numbers.Short(tolerance)}";
        return Conclude(new CheckResult(name, passed, passed ? Numbers.Short(actual) : Misfit($"{Numbers.Short(expected)}{allowed}", Precise(actual, expected), hint)));
    }

    /// <summary>Checks every number of a tensor within a tolerance.</summary>
    /// <param name="name">The rule.</param>
    /// <param name="expected">The tensor it should be, any shape and dtype.</param>
    /// <param name="actual">The tensor it is.</param>
    /// <param name="tolerance">The largest distance between two numbers that passes.</param>
    /// <param name="hint">What to look at when it fails.</param>
    /// <exception cref="CheckFailedException">Shapes or numbers differ, and <see cref="Strict"/> is on.</exception>
    public static CheckResult Equal(string name, Tensor expected, Tensor actual, double tolerance, string? hint = null)
    {
        if (!expected.shape.SequenceEqual(actual.shape))
        {
            return Conclude(new CheckResult(name, false, Misfit(Shape(expected), Shape(actual), hint)));
        }

        using var scope = NewDisposeScope();
        double distance = expected.numel() == 0 ? 0 : (expected.detach().to(float64, CPU) - actual.detach().to(float64, CPU)).abs().max().item<double>();
        bool passed = distance <= tolerance; // false for NaN
        string largest = $"largest difference {Numbers.Short(distance)}";
        return Conclude(new CheckResult(name, passed, passed ? largest : Misfit($"a difference of at most {Numbers.Short(tolerance)}", largest, hint)));
    }

    /// <summary>Checks any value by its own equality; two enumerations are equal when their elements are, two tensors when all numbers are.</summary>
    /// <param name="name">The rule.</param>
    /// <param name="expected">The value it should be.</param>
    /// <param name="actual">The value it is.</param>
    /// <param name="hint">What to look at when it fails.</param>
    /// <exception cref="CheckFailedException">They are not equal, and <see cref="Strict"/> is on.</exception>
    public static CheckResult Equal<T>(string name, T expected, T actual, string? hint = null) => (expected, actual) switch
    {
        (double number, double other) => Equal(name, number, other, 0, hint),
        (Tensor tensor, Tensor other) => Equal(name, tensor, other, 0, hint),
        (not string and IEnumerable several, IEnumerable others) => Compare(name, several.Cast<object>().SequenceEqual(others.Cast<object>()), expected, actual, hint),
        _ => Compare(name, EqualityComparer<T>.Default.Equals(expected, actual), expected, actual, hint),
    };

    /// <summary>Shows several checks under one another.</summary>
    public static CheckList All(params IReadOnlyList<CheckResult> checks) => new(checks);

    private static CheckResult Compare(string name, bool passed, object? expected, object? actual, string? hint) =>
        Conclude(new CheckResult(name, passed, passed ? null : Misfit(CellText.Of(expected), CellText.Of(actual), hint)));

    private static CheckResult Conclude(CheckResult result) => result.Passed || !Strict ? result : throw new CheckFailedException(result);

    private static string Misfit(string expected, string actual, string? hint) => $"expected {expected}, got {actual}{(hint is null ? "" : "\n" + Hint(hint))}";

    private static string? Hint(string? hint) => hint is null ? null : "Hint: " + hint;

    private static string Shape(Tensor tensor) => $"the shape ({string.Join(", ", tensor.shape)})";

    // Four digits, unless they would make a wrong number look right.
    private static string Precise(double actual, double expected) =>
        Numbers.Short(actual) == Numbers.Short(expected) ? actual.ToString("R", CultureInfo.InvariantCulture) : Numbers.Short(actual);
}
