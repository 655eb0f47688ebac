using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Any views side by side, for example a picture, its heat map and a table.</summary>
/// <param name="views">The views from left to right; they wrap where the page is narrow.</param>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class Row(params IReadOnlyList<View> views) : View
{
    /// <summary>The views from left to right.</summary>
    public IReadOnlyList<View> Views => views;

    /// <inheritdoc/>
    public override string ToHtml() =>
        $"<div>{string.Concat(views.Select(view => $"<div style=\"display:inline-block;vertical-align:top;margin:0 14px 0 0\">{view.ToHtml()}</div>"))}</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join('\n', views.Select(view => view.ToText()));
}
