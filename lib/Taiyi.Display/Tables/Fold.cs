using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>A view that is folded away under a title until it is clicked: for what is looked up and not read. Needs no script.</summary>
/// <param name="title">What is folded away.</param>
/// <param name="view">The view.</param>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class Fold(string title, View view) : View
{
    /// <inheritdoc/>
    public override string ToHtml() =>
        $"<details style=\"margin:2px 0\"><summary style=\"cursor:pointer;{Html.Small};font-size:13px;font-weight:600\">{Html.Escape(title)}</summary>{view.ToHtml()}</details>";

    /// <inheritdoc/>
    public override string ToText() => $"{title}\n{view.ToText()}";
}
