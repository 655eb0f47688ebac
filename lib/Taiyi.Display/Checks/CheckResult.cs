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
    public override string ToHtml()
    {
        (string color, string tint, string mark) = Passed ? ("#2fa874", "rgba(47,168,116,.12)", "✓") : ("#d9534f", "rgba(217,83,79,.12)", "✗");
        string details = _details is null ? "" : $"<div style=\"margin-left:22px\">{Html.Escape(_details).Replace("\n", "<br/>", StringComparison.Ordinal)}</div>";
        return $"<div style=\"{Html.Small};font-size:13px;border-left:4px solid {color};background:{tint};padding:5px 10px;margin:3px 0\">" +
            $"<b style=\"color:{color};display:inline-block;width:22px\">{mark}</b><b>{Html.Escape(Name)}</b>{details}</div>";
    }

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
