using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Checks a reader's own answer to an exercise: not solved yet, wrong with a hint, or solved.</summary>
/// <remarks>
/// The answer is a variable of the cell that is null until the reader fills it in. A wrong or missing answer is no error of the
/// notebook, so nothing here throws where <see cref="Check.Strict"/> is on: a notebook with open exercises passes its test.
/// </remarks>
public static class Exercise
{
    /// <summary>Checks a number or another value: <c>double? answer = null;</c>.</summary>
    /// <param name="name">The rule as a sentence that is true of the right answer.</param>
    /// <param name="answer">The reader's answer; null is not solved yet.</param>
    /// <param name="rule">Whether an answer is right; not called without one.</param>
    /// <param name="hint">What helps on: folded away without an answer, shown below a wrong one.</param>
    public static ExerciseResult Check<T>(string name, T? answer, Func<T, bool> rule, string hint)
        where T : struct => new(name, answer is { } given ? rule(given) : null, hint);

    /// <summary>Checks a text, a tensor or a function: <c>Func&lt;double, double&gt;? answer = null;</c>.</summary>
    /// <inheritdoc cref="Check{T}(string, T?, Func{T, bool}, string)"/>
    public static ExerciseResult Check<T>(string name, T? answer, Func<T, bool> rule, string hint)
        where T : class => new(name, answer is null ? null : rule(answer), hint);
}

/// <summary>The state of an exercise, shown as a grey, a red or a green line.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class ExerciseResult : View
{
    private const string Open = "Not solved yet: replace null by your answer and run the cell again. 还没做：把 null 换成你的答案，再运行。";
    private readonly string _hint;

    internal ExerciseResult(string name, bool? solved, string hint) => (Name, Solved, _hint) = (name, solved, hint);

    /// <summary>The rule that the right answer fulfils.</summary>
    public string Name { get; }

    /// <summary>Whether the answer is right; null while there is none.</summary>
    public bool? Solved { get; }

    /// <inheritdoc/>
    public override string ToHtml() => Solved switch
    {
        true => CheckLine.Passed(Name, "Solved 答对了"),
        false => CheckLine.Failed(Name, "Not this answer 还不对。Hint 提示: " + _hint),
        null => CheckLine.Open(Name, Open, _hint),
    };

    /// <inheritdoc/>
    public override string ToText() => Solved switch
    {
        true => $"✓ {Name}: solved",
        false => $"✗ {Name}: not this answer\nHint: {_hint}",
        null => $"○ {Name}: {Open}",
    };
}
