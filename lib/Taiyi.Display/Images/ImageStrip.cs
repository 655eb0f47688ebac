using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Pictures side by side, each with its caption; made by <see cref="Pictures.Strip"/>.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class PictureStrip : View
{
    private readonly int _width;

    internal PictureStrip(IReadOnlyList<Picture> pictures, int width)
    {
        Pictures = pictures;
        _width = width;
    }

    /// <summary>The pictures from left to right.</summary>
    public IReadOnlyList<Picture> Pictures { get; }

    /// <inheritdoc/>
    public override string ToHtml() => $"<div>{string.Concat(Pictures.Select(picture => picture.ToFigure(_width)))}</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join('\n', Pictures.Select(picture => picture.ToText()));
}
