using System.Text;
using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Boxes and arrows as SVG, in the colour of the page's text; a box may lead to a file.</summary>
internal sealed class Drawing
{
    private const string Tip = "tip"; // arrowheads of all drawings are alike, so they may share a name on a page
    private readonly StringBuilder _svg = new();
    private readonly string? _files;

    /// <param name="width">Of the drawing, in pixels.</param>
    /// <param name="height">And its height.</param>
    /// <param name="title">What a reader of the page's text is told.</param>
    /// <param name="files">The folder that the files of <see cref="Box"/> lie in, as seen from the page; null for no links.</param>
    public Drawing(double width, double height, string title, string? files)
    {
        _files = files?.TrimEnd('/');
        _svg.Append($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{N(width)}\" height=\"{N(height)}\" viewBox=\"0 0 {N(width)} {N(height)}\" role=\"img\" " +
            "font-family=\"system-ui,sans-serif\" font-size=\"12\" fill=\"currentColor\" style=\"max-width:100%;height:auto\">" +
            $"<title>{Html.Escape(title)}</title>{Svg.AloneStyle}<defs><marker id=\"{Tip}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">" +
            "<path d=\"M0 0L8 4L0 8Z\" fill=\"#808080\"/></marker></defs>");
    }

    /// <summary>A box with a bold first line; its middle is given.</summary>
    public void Box(double x, double y, double width, double height, string colour, string? file, params IReadOnlyList<string> lines)
    {
        bool linked = _files != null && file != null;
        _svg.Append(linked ? $"<a href=\"{Html.Escape($"{_files}/{file}")}\">" : "");
        _svg.Append($"<rect x=\"{N(x - (width / 2))}\" y=\"{N(y - (height / 2))}\" width=\"{N(width)}\" height=\"{N(height)}\" rx=\"6\" fill=\"{colour}\" fill-opacity=\".16\" stroke=\"{colour}\"/>");
        for (int i = 0; i < lines.Count; i++)
        {
            Text(x, y + ((i - ((lines.Count - 1) / 2.0)) * 16) + 4, lines[i], i == 0 ? "font-weight=\"600\"" + (linked ? " text-decoration=\"underline\"" : "") : "opacity=\".8\"");
        }

        _svg.Append(linked ? "</a>" : "");
    }

    /// <summary>An arrow along some corners, and a word at its middle.</summary>
    public void Arrow(string? label, bool dashed, params IReadOnlyList<(double X, double Y)> corners)
    {
        string path = string.Concat(corners.Select((corner, i) => $"{(i == 0 ? 'M' : 'L')}{N(corner.X)} {N(corner.Y)}"));
        _svg.Append($"<path class=\"arrow\" d=\"{path}\" fill=\"none\" stroke=\"#808080\" stroke-width=\"1.5\"{(dashed ? " stroke-dasharray=\"5 4\"" : "")} marker-end=\"url(#{Tip})\"/>");
        if (label != null)
        {
            (double X, double Y) a = corners[(corners.Count / 2) - 1], b = corners[corners.Count / 2];
            Text((a.X + b.X) / 2, ((a.Y + b.Y) / 2) - 5, label, "opacity=\".8\"");
        }
    }

    /// <summary>A word in the drawing.</summary>
    public void Text(double x, double y, string text, string attributes = "") =>
        _svg.Append($"<text x=\"{N(x)}\" y=\"{N(y)}\" text-anchor=\"middle\" {attributes}>{Html.Escape(text)}</text>");

    /// <summary>The SVG element.</summary>
    public string Finish() => _svg.Append("</svg>").ToString();

    private static string N(double value) => Numbers.Coordinate(value);
}
