using System.Text;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Draws one series of a chart as SVG, and tells how far it reaches along each axis.</summary>
internal static class SvgTrace
{
    /// <summary>A line of more points is thinned to the lowest and the highest of each step along the axis.</summary>
    private const int MaxPoints = 600;

    public static string Draw(ChartPanel panel, ChartTrace trace, ChartScale x, ChartScale y)
    {
        string shapes = trace.Kind switch
        {
            TraceKind.Lines => Line(trace, x, y),
            TraceKind.Points => Points(trace, x, y),
            TraceKind.LinesAndPoints => Line(trace, x, y) + Points(trace, x, y),
            TraceKind.Bars or TraceKind.HorizontalBars => Bars(panel, trace, x, y),
            TraceKind.HeatMap => HeatMap(trace, x, y),
            _ => "",
        };
        return $"<g opacity=\"{N(trace.Opacity)}\">{shapes}</g>";
    }

    /// <summary>The dash pattern as an attribute, or nothing for a solid line.</summary>
    public static string Dashes(ChartTrace trace) => trace.Dash switch
    {
        null => "",
        "dot" => " stroke-dasharray=\"2 4\"",
        "dashdot" => " stroke-dasharray=\"8 4 2 4\"",
        _ => " stroke-dasharray=\"8 5\"",
    };

    public static IEnumerable<double> ExtentX(ChartPanel panel, ChartTrace trace) => trace.Kind switch
    {
        TraceKind.Bars => Around(panel, trace, trace.X),
        TraceKind.HorizontalBars => Reach(panel, trace, trace.Y, trace.X),
        TraceKind.HeatMap => Cells(trace.X, trace.Z[0].Length),
        _ => trace.X,
    };

    public static IEnumerable<double> ExtentY(ChartPanel panel, ChartTrace trace) => trace.Kind switch
    {
        TraceKind.Bars => Reach(panel, trace, trace.X, trace.Y),
        TraceKind.HorizontalBars => Around(panel, trace, trace.Y),
        TraceKind.HeatMap => Cells(trace.Y, trace.Z.Length),
        _ => trace.Y,
    };

    private static string Line(ChartTrace trace, ChartScale x, ChartScale y)
    {
        StringBuilder path = new();
        bool pen = false;
        foreach (int i in Thinned(trace.Y))
        {
            (double px, double py) = (x.Map(trace.X[i]), y.Map(trace.Y[i]));
            bool drawable = double.IsFinite(px) && double.IsFinite(py);
            if (drawable)
            {
                path.Append($"{(pen ? 'L' : 'M')}{N(px)} {N(py)}");
            }

            pen = drawable; // a missing value is a gap
        }

        return $"<path class=\"line\" d=\"{path}\" fill=\"none\" stroke=\"{Html.Escape(trace.Color)}\" stroke-width=\"{N(trace.LineWidth)}\" stroke-linejoin=\"round\"{Dashes(trace)}/>";
    }

    private static string Points(ChartTrace trace, ChartScale x, ChartScale y) => string.Concat(Enumerable.Range(0, trace.X.Length)
        .Select(i => (X: x.Map(trace.X[i]), Y: y.Map(trace.Y[i])))
        .Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y))
        .Select(point => $"<circle cx=\"{N(point.X)}\" cy=\"{N(point.Y)}\" r=\"3.5\" fill=\"{Html.Escape(trace.Color)}\"/>"));

    private static string Bars(ChartPanel panel, ChartTrace trace, ChartScale x, ChartScale y)
    {
        bool upright = trace.Kind == TraceKind.Bars;
        (double[] places, double[] values) = upright ? (trace.X, trace.Y) : (trace.Y, trace.X);
        (ChartScale along, ChartScale across) = upright ? (x, y) : (y, x);
        ChartTrace[] series = BarsOf(panel);
        int index = panel.Stacked ? 0 : Array.IndexOf(series, trace);
        double group = BarWidth(panel, trace);
        double width = group / (panel.Stacked ? 1 : series.Length);
        StringBuilder bars = new();
        for (int i = 0; i < places.Length; i++)
        {
            double foot = panel.Stacked ? Below(series, trace, places[i]) : 0;
            double edge = places[i] - (group / 2) + (index * width);
            (double a1, double a2) = (along.Map(edge), along.Map(edge + width));
            (double c1, double c2) = (across.Map(foot), across.Map(foot + values[i]));
            if (double.IsFinite(a1) && double.IsFinite(c2))
            {
                (double left, double right, double top, double bottom) = upright ? (a1, a2, c1, c2) : (c1, c2, a1, a2);
                bars.Append($"<rect class=\"bar\" x=\"{N(Math.Min(left, right))}\" y=\"{N(Math.Min(top, bottom))}\" width=\"{N(Math.Abs(right - left))}\" " +
                    $"height=\"{N(Math.Abs(bottom - top))}\" fill=\"{Html.Escape(trace.Color)}\"/>");
            }
        }

        return bars.ToString();
    }

    private static string HeatMap(ChartTrace trace, ChartScale x, ChartScale y)
    {
        (int rows, int columns) = (trace.Z.Length, trace.Z[0].Length);
        (double low, double high) = trace.ZRange;
        double span = high > low ? high - low : 1;
        double[] xEdges = [.. Cells(trace.X, columns).Select(x.Map)];
        double[] yEdges = [.. Cells(trace.Y, rows).Select(y.Map)];
        bool firstRowOnTop = yEdges[0] < yEdges[1];
        double[][] fromTop = firstRowOnTop ? trace.Z : [.. trace.Z.Reverse()];
        return Image(
            columns, rows, i => trace.Colors.At((fromTop[i / columns][i % columns] - low) / span),
            (xEdges.Min(), yEdges.Min()), (Math.Abs(xEdges[1] - xEdges[0]), Math.Abs(yEdges[1] - yEdges[0])));
    }

    /// <summary>The colours of a heat map from the largest value down, with three numbers.</summary>
    public static string ColorBar(ChartTrace trace, double x, double top, double bottom)
    {
        const int steps = 64;
        (double low, double high) = trace.ZRange;
        string numbers = string.Concat(new[] { 0, 0.5, 1 }.Select(share =>
            $"<text x=\"{N(x + 17)}\" y=\"{N(bottom - (share * (bottom - top)) + 4)}\" class=\"z-tick\">{Numbers.Short(low + (share * (high - low)))}</text>"));
        return Image(1, steps, i => trace.Colors.At(1 - (i / (steps - 1.0))), (x, top), (12, bottom - top)) + numbers;
    }

    private static string Image(int columns, int rows, Func<int, (byte, byte, byte)> color, (double X, double Y) corner, (double Width, double Height) size)
    {
        byte[] pixels = new byte[3 * rows * columns];
        for (int i = 0; i < rows * columns; i++)
        {
            (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]) = color(i);
        }

        using Image<Rgb24> cells = ImageConversion.FromBytes(columns, rows, pixels);
        string png = Convert.ToBase64String(ImageFile.EncodePng(cells));
        return $"<image href=\"data:image/png;base64,{png}\" x=\"{N(corner.X)}\" y=\"{N(corner.Y)}\" width=\"{N(size.Width)}\" height=\"{N(size.Height)}\" " +
            "preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\"/>";
    }

    // The outer edges of the first and the last cell of a heat map.
    private static double[] Cells(double[] centers, int count)
    {
        double first = centers.Length > 0 ? centers[0] : 0;
        double step = centers.Length > 1 ? centers[1] - first : 1;
        return [first - (step / 2), first + ((count - 0.5) * step)];
    }

    private static ChartTrace[] BarsOf(ChartPanel panel) => [.. panel.Traces.Where(trace => trace.Kind is TraceKind.Bars or TraceKind.HorizontalBars)];

    private static IEnumerable<double> Around(ChartPanel panel, ChartTrace trace, double[] places)
    {
        double half = BarWidth(panel, trace) / 2;
        return places.SelectMany(place => new[] { place - half, place + half });
    }

    private static IEnumerable<double> Reach(ChartPanel panel, ChartTrace trace, double[] places, double[] values) =>
        values.Select((value, i) => value + (panel.Stacked ? Below(BarsOf(panel), trace, places[i]) : 0)).Append(0);

    // What the bars of the earlier series reach at a place, in a stack.
    private static double Below(ChartTrace[] series, ChartTrace trace, double place) => series.TakeWhile(other => other != trace).Sum(other =>
    {
        (double[] places, double[] values) = other.Kind == TraceKind.Bars ? (other.X, other.Y) : (other.Y, other.X);
        int at = Array.IndexOf(places, place);
        return at < 0 ? 0 : values[at];
    });

    private static double BarWidth(ChartPanel panel, ChartTrace trace)
    {
        double[] places = [.. BarsOf(panel).SelectMany(other => other.Kind == TraceKind.Bars ? other.X : other.Y).Distinct().Order()];
        return trace.BarWidth ?? (0.8 * (places.Length < 2 ? 1 : places.Zip(places.Skip(1), (a, b) => b - a).Min()));
    }

    private static IEnumerable<int> Thinned(double[] values)
    {
        if (values.Length <= MaxPoints)
        {
            return Enumerable.Range(0, values.Length);
        }

        int step = (int)Math.Ceiling(2.0 * values.Length / MaxPoints);
        return Enumerable.Range(0, values.Length).Chunk(step).SelectMany(indices =>
            new[] { indices.MinBy(i => values[i]), indices.MaxBy(i => values[i]) }.Distinct().Order());
    }

    private static string N(double value) => Numbers.Coordinate(value);
}
