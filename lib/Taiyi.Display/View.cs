using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Something that a notebook cell shows: HTML where there is a browser, plain text where there is none.</summary>
/// <remarks>
/// HTML is self-contained (no address of the network in it), readable on a light and on a dark background, and says the same with
/// its scripts and styles removed.
/// </remarks>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public abstract class View
{
    /// <summary>The view as an HTML fragment that is also well-formed XML.</summary>
    public abstract string ToHtml();

    /// <summary>The view as plain text, lines separated by '\n'.</summary>
    public abstract string ToText();

    /// <summary>The same as <see cref="ToText"/>.</summary>
    public sealed override string ToString() => ToText();
}
