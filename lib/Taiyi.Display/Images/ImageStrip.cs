using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Pictures side by side, each with its caption; made by <see cref="Images.Strip"/>.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class ImageStrip : View
{
    private readonly int _width;

    internal ImageStrip(IReadOnlyList<ImageView> images, int width)
    {
        Images = images;
        _width = width;
    }

    /// <summary>The pictures from left to right.</summary>
    public IReadOnlyList<ImageView> Images { get; }

    /// <inheritdoc/>
    public override string ToHtml() => $"<div>{string.Concat(Images.Select(image => image.ToFigure(_width)))}</div>";

    /// <inheritdoc/>
    public override string ToText() => string.Join('\n', Images.Select(image => image.ToText()));
}
