using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>A named rule and whether it holds, shown as a green or a red line.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class CheckResult : View
{
    private readonly string? _details;

    internal CheckResult(string name, bool passed, string? details)
    {
        (Name, Passed, _details) = (name, passed, details);
    }

    /// <summary>The rule.</summary>
    public string Name { get; }

    /// <summary>Whether it holds.</summary>
    public bool Passed { get; }

    /// <inheritdoc/>
    public override string ToHtml() => Passed ? CheckLine.Passed(Name, _details) : CheckLine.Failed(Name, _details);

    /// <inheritdoc/>
    public override string ToText() => $"{(Passed ? "✓" : "✗")} {Name}{(_details is null ? "" : ": " + _details)}";
}

/// <summary>Several checks under one another.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class CheckList : View
{
    internal CheckList(IReadOnlyList<CheckResult> results) => Results = results;

    /// <summary>The checks in their order.</summary>
    public IReadOnlyList<CheckResult> Results { get; }

    /// <inheritdoc/>
    public override string ToHtml() => $"<div>{string.Concat(Results.Select(result => result.ToHtml()))}</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join('\n', Results.Select(result => result.ToText()));
}
