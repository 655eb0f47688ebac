namespace Taiyi.Display.Formatting;

/// <summary>Makes the formatters of every <see cref="View"/>: HTML and plain text.</summary>
internal class ViewFormatterSource
{
    /// <summary>Found by name: an enumeration of objects with MimeType and Format(object, TextWriter).</summary>
    public virtual IEnumerable<object> CreateTypeFormatters() =>
    [
        new ViewFormatter<View>(MimeTypes.Html, view => view.ToHtml()),
        new ViewFormatter<View>(MimeTypes.Text, view => view.ToText()),
    ];
}

/// <summary>Those of a view that is one picture: also PNG in base64, as Jupyter carries it.</summary>
internal sealed class ImageFormatterSource : ViewFormatterSource
{
    public override IEnumerable<object> CreateTypeFormatters() =>
    [
        .. base.CreateTypeFormatters(),
        new ViewFormatter<View>(MimeTypes.Png, view => Convert.ToBase64String((view is HeatMap map ? map.Image : (ImageView)view).Png.Span)),
    ];
}

/// <summary>Those of a chart: also SVG.</summary>
internal sealed class ChartFormatterSource : ViewFormatterSource
{
    public override IEnumerable<object> CreateTypeFormatters() =>
        [.. base.CreateTypeFormatters(), new ViewFormatter<ChartView>(MimeTypes.Svg, chart => chart.ToSvg())];
}

/// <summary>One form of a view; its members are found by name.</summary>
internal sealed class ViewFormatter<T>(string mimeType, Func<T, string> format)
{
    public string MimeType => mimeType;

    public bool Format(object instance, TextWriter writer)
    {
        if (instance is not T view)
        {
            return false;
        }

        writer.Write(format(view));
        return true;
    }
}
