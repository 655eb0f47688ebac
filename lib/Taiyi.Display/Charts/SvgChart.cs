using System.Text;
using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Draws a chart as SVG: what GitHub, a printed page and a front end without scripts show.</summary>
/// <remarks>Text and axes have the colour of the page's text, the background is transparent: readable in light and dark front ends.</remarks>
internal sealed class SvgChart
{
    private const double Left = 66;
    private const double Right = 18;
    private const double Bottom = 46;
    private readonly StringBuilder _svg = new();
    private readonly ChartFigure _figure;

    private SvgChart(ChartFigure figure) => _figure = figure;

    /// <summary>The SVG element of a figure.</summary>
    public static string Render(ChartFigure figure) => new SvgChart(figure).Render();

    private string Render()
    {
        _svg.Append($"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{_figure.Width}\" height=\"{_figure.Height}\" viewBox=\"0 0 {_figure.Width} {_figure.Height}\" " +
            $"font-family=\"system-ui,sans-serif\" font-size=\"12\" fill=\"currentColor\" style=\"max-width:100%;height:auto\">{Svg.AloneStyle}");
        double top = 10;
        if (!string.IsNullOrEmpty(_figure.Title))
        {
            Text(Left, top + 14, _figure.Title, "font-size=\"15\"");
            top += 28;
        }

        top = Legend(top);
        int rows = (_figure.Panels.Count + _figure.Columns - 1) / _figure.Columns;
        double width = (double)_figure.Width / _figure.Columns;
        double height = (_figure.Height - top) / Math.Max(rows, 1);
        for (int i = 0; i < _figure.Panels.Count; i++)
        {
            double left = i % _figure.Columns * width;
            double upper = top + (i / _figure.Columns * height);
            Panel(_figure.Panels[i], left + Left, upper + 6, left + width - Right, upper + height - Bottom);
        }

        return _svg.Append("</svg>").ToString();
    }

    /// <summary>One line of names and colours that wraps; returns where the panels may begin.</summary>
    private double Legend(double top)
    {
        double x = Left;
        double y = top;
        foreach (ChartTrace trace in _figure.Panels.SelectMany(panel => panel.Traces).Where(trace => trace.InLegend))
        {
            double width = 34 + WidthOf(trace.Name);
            if (x > Left && x + width > _figure.Width - Right)
            {
                (x, y) = (Left, y + 18);
            }

            string dash = SvgTrace.Dashes(trace);
            _svg.Append($"<line x1=\"{N(x)}\" y1=\"{N(y + 8)}\" x2=\"{N(x + 18)}\" y2=\"{N(y + 8)}\" stroke=\"{Html.Escape(trace.Color)}\" stroke-width=\"3\"{dash}/>");
            Text(x + 23, y + 12, trace.Name, "class=\"legend\"");
            x += width;
        }

        return x > Left ? y + 22 : top;
    }

    private void Panel(ChartPanel panel, double left, double top, double right, double bottom)
    {
        if (panel.Traces.FirstOrDefault(trace => trace.Kind == TraceKind.HeatMap) is { } heat)
        {
            right -= 62;
            _svg.Append(SvgTrace.ColorBar(heat, right + 12, top, bottom));
        }

        ChartScale x = ScaleX(panel, left, right);
        ChartScale y = ScaleY(panel, bottom, top);
        Axes(panel, x, y, left, top, right, bottom);
        string clip = Html.Id($"{left}{top}{right}{bottom}");
        _svg.Append($"<clipPath id=\"{clip}\"><rect x=\"{N(left)}\" y=\"{N(top - 4)}\" width=\"{N(right - left)}\" height=\"{N(bottom - top + 8)}\"/></clipPath><g clip-path=\"url(#{clip})\">");
        foreach (ChartTrace trace in panel.Traces)
        {
            _svg.Append(SvgTrace.Draw(panel, trace, x, y));
        }

        _svg.Append("</g>");
        if (panel.Traces.Any(trace => trace.Kind == TraceKind.Unknown))
        {
            Text(left + 8, top + 18, "This kind of chart is drawn where scripts run.", "opacity=\".7\"");
        }
    }

    /// <summary>The ticks of a logarithmic axis of a chart that has one panel, for the living chart to have the same; null for other axes.</summary>
    public static IReadOnlyList<(double Value, string Label)>? LogarithmicTicks(ChartFigure figure, bool upright)
    {
        ChartPanel panel = figure.Panels[0];
        return figure.Panels.Count > 1 || !(upright ? panel.Y : panel.X).Logarithmic ? null
            : upright ? ScaleY(panel, figure.Height - 116, 0).Ticks(44) : ScaleX(panel, 0, figure.Width - Left - Right).Ticks(72);
    }

    private static ChartScale ScaleX(ChartPanel panel, double left, double right) =>
        new(panel.X, panel.Traces.SelectMany(trace => SvgTrace.ExtentX(panel, trace)), Padding(panel, upright: false), left, right);

    private static ChartScale ScaleY(ChartPanel panel, double bottom, double top) =>
        new(panel.Y, panel.Traces.SelectMany(trace => SvgTrace.ExtentY(panel, trace)), Padding(panel, upright: true), bottom, top);

    // Lines end at the frame, points stay clear of it, bars stand on it, and heat fills it.
    private static (double Below, double Above) Padding(ChartPanel panel, bool upright)
    {
        bool Has(TraceKind kind) => panel.Traces.Any(trace => trace.Kind == kind);
        ChartAxis axis = upright ? panel.Y : panel.X;
        return (Has(TraceKind.Bars), Has(TraceKind.HorizontalBars)) switch
        {
            _ when Has(TraceKind.HeatMap) => (0, 0),
            (true, _) when upright => (panel.Traces.Any(trace => trace.Y.Any(value => value < 0)) ? 0.05 : 0, 0.05),
            (_, true) when !upright => (panel.Traces.Any(trace => trace.X.Any(value => value < 0)) ? 0.05 : 0, 0.05),
            (true, _) or (_, true) => axis.Categories is null ? (0, 0) : (0.03, 0.03),
            _ when upright => (0.05, 0.05),
            _ => Has(TraceKind.Points) || Has(TraceKind.LinesAndPoints) ? (0.04, 0.04) : (0, 0),
        };
    }

    private void Axes(ChartPanel panel, ChartScale x, ChartScale y, double left, double top, double right, double bottom)
    {
        foreach ((double value, string label) in x.Ticks(panel.X.Categories is { Count: > 0 } names ? 14 + names.Max(WidthOf) : 72))
        {
            Line(x.Map(value), top, x.Map(value), bottom);
            Text(x.Map(value), bottom + 16, label, "class=\"x-tick\" text-anchor=\"middle\"");
        }

        foreach ((double value, string label) in y.Ticks(panel.Y.Categories is null ? 44 : 16))
        {
            Line(left, y.Map(value), right, y.Map(value));
            Text(left - 6, y.Map(value) + 4, label, "class=\"y-tick\" text-anchor=\"end\"");
        }

        _svg.Append($"<path d=\"M{N(left)} {N(top)}V{N(bottom)}H{N(right)}\" fill=\"none\" stroke=\"currentColor\" stroke-opacity=\".55\"/>");
        if (panel.X.Title is { } xTitle)
        {
            Text((left + right) / 2, bottom + 36, xTitle, "text-anchor=\"middle\"");
        }

        if (panel.Y.Title is { } yTitle)
        {
            double middle = (top + bottom) / 2;
            Text(left - 50, middle, yTitle, $"text-anchor=\"middle\" transform=\"rotate(-90 {N(left - 50)} {N(middle)})\"");
        }
    }

    private void Line(double x1, double y1, double x2, double y2) =>
        _svg.Append($"<line x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\" stroke=\"#808080\" stroke-opacity=\".25\"/>");

    private void Text(double x, double y, string text, string attributes) =>
        _svg.Append($"<text x=\"{N(x)}\" y=\"{N(y)}\" {attributes}>{Html.Escape(text)}</text>");

    /// <summary>Width of a label, estimated, in pixels: a Chinese character is as wide as the font is high, others about half as wide.</summary>
    public static double WidthOf(string text) => text.Sum(letter => letter >= 0x2E80 ? 12.0 : 6.6);

    private static string N(double value) => Numbers.Coordinate(value);
}
