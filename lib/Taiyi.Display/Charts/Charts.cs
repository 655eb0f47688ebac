using System.Runtime.CompilerServices;
using Plotly.NET;
using Plotly.NET.CSharp;
using static TorchSharp.torch;
using Chart = Plotly.NET.CSharp.Chart;

namespace Taiyi.Display;

/// <summary>The charts of the course in one call each. They are charts of Plotly.NET: every With… of it applies.</summary>
public static class Charts
{
    /// <summary>Lines over a common axis.</summary>
    /// <param name="series">Names and numbers: <c>[("linear", a), ("cosine", b)]</c>.</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="xTitle">What the horizontal axis shows.</param>
    /// <param name="yTitle">What the vertical axis shows.</param>
    /// <param name="x">Places of the numbers; null counts 0, 1, 2, …</param>
    /// <param name="logX">A logarithmic horizontal axis.</param>
    /// <param name="logY">A logarithmic vertical axis.</param>
    /// <param name="markers">A dot at each number.</param>
    /// <exception cref="ArgumentException">A series has another number of values than there are places.</exception>
    public static GenericChart Lines(
        IEnumerable<Series> series, string? title = null, string? xTitle = null, string? yTitle = null,
        IEnumerable<double>? x = null, bool logX = false, bool logY = false, bool markers = false)
    {
        double[]? places = x?.ToArray();
        GenericChart[] lines = [.. series.Select(one => Line(one, places, markers))];
        return Finish(Chart.Combine(lines), title, xTitle, yTitle, logX, logY);
    }

    /// <summary>The loss of each step, and its running mean as a thick line.</summary>
    /// <param name="losses">One loss a step.</param>
    /// <param name="smoothing">Weight of the past in the running mean, in [0, 1).</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="logY">A logarithmic vertical axis.</param>
    public static GenericChart Loss(IEnumerable<double> losses, double smoothing = 0.9, string? title = null, bool logY = false)
    {
        double[] values = [.. losses];
        double[] steps = Places(values.Length, first: 1);
        GenericChart raw = Chart.Line<double, double, string>(steps, values, Name: "loss of the step", Opacity: 0.6, LineWidth: 1.0, LineColor: Color.fromHex(ChartTheme.Colorway[0]));
        GenericChart mean = Chart.Line<double, double, string>(
            steps, Smoothing.Exponential(values, smoothing), Name: "running mean", LineWidth: 2.5, LineColor: Color.fromHex(ChartTheme.Colorway[1]));
        return Finish(Chart.Combine([raw, mean]), title, "step", "loss", logY: logY);
    }

    /// <summary>One bar a name.</summary>
    /// <param name="names">A text under each bar.</param>
    /// <param name="values">Its height.</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="yTitle">What the vertical axis shows. It is never logarithmic: a bar stands on zero, which has no logarithm.</param>
    public static GenericChart Bars(IEnumerable<string> names, IEnumerable<double> values, string? title = null, string? yTitle = null) =>
        Finish(Chart.Column<double, string, string>(values, new(names, true)), title, null, yTitle);

    /// <summary>Curves, arrows and points in a plane, both axes of one scale.</summary>
    /// <param name="curves">What is drawn, the last on top.</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="xTitle">What the horizontal axis shows.</param>
    /// <param name="yTitle">What the vertical axis shows.</param>
    /// <param name="range">The lowest and the highest value of both axes.</param>
    public static GenericChart Plane(
        IEnumerable<PlaneCurve> curves, string? title = null, string? xTitle = null, string? yTitle = null, (double Low, double High)? range = null)
    {
        PlaneCurve[] all = [.. curves];
        (double low, double high) = range ?? (all.SelectMany(one => one.X.Concat(one.Y)).Where(double.IsFinite).DefaultIfEmpty(0).Min(),
            all.SelectMany(one => one.X.Concat(one.Y)).Where(double.IsFinite).DefaultIfEmpty(1).Max());
        GenericChart chart = Chart.Combine([.. all.Select(one => one.ToChart())]);
        return Finish(chart, title, xTitle, yTitle)
            .WithXAxisStyle<double, double, string>(MinMax: new(Tuple.Create(low, high), true))
            .WithYAxisStyle<double, double, string>(MinMax: new(Tuple.Create(low, high), true))
            .WithSize(560, 596); // what is left beside titles, legend and numbers is a square
    }

    /// <summary>How often values fall into each of equally wide bins.</summary>
    /// <param name="values">The values; those that are not finite are left out.</param>
    /// <param name="bins">How many bins from the smallest to the largest value.</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="xTitle">What is counted.</param>
    /// <exception cref="ArgumentException">There is no value, or no bin.</exception>
    [OverloadResolutionPriority(1)] // an array converts to a tensor too
    public static GenericChart Histogram(IEnumerable<double> values, int bins = 40, string? title = null, string? xTitle = null)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        if (finite.Length == 0 || bins < 1)
        {
            throw new ArgumentException($"A histogram needs at least one finite value and one bin, got {finite.Length} and {bins}.");
        }

        double low = finite.Min();
        double width = finite.Max() > low ? (finite.Max() - low) / bins : 1;
        double[] counts = new double[bins];
        foreach (double value in finite)
        {
            counts[Math.Min((int)((value - low) / width), bins - 1)]++; // the last bin holds the largest value
        }

        double[] centers = [.. Enumerable.Range(0, bins).Select(k => low + ((k + 0.5) * width))];
        return Finish(Chart.Column<double, double, string>(counts, new(centers, true), Width: width), title, xTitle, "count");
    }

    /// <summary>How often the values of a tensor fall into each of equally wide bins.</summary>
    /// <param name="values">Any shape and dtype.</param>
    /// <param name="bins">How many bins from the smallest to the largest value.</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="xTitle">What is counted.</param>
    public static GenericChart Histogram(Tensor values, int bins = 40, string? title = null, string? xTitle = null) =>
        Histogram(Series.Numbers(values), bins, title, xTitle);

    /// <summary>A matrix as colours whose values can be read by pointing, its first row on top. For pictures see <see cref="Images.HeatMap"/>.</summary>
    /// <param name="values">(H, W), any dtype.</param>
    /// <param name="title">The chart's title.</param>
    /// <param name="rows">A name at each row.</param>
    /// <param name="columns">A name at each column.</param>
    /// <param name="colors">The colours; null takes <see cref="ColorMap.Diverging"/> around zero for values of both signs, else <see cref="ColorMap.Viridis"/>.</param>
    /// <exception cref="ArgumentException">The tensor is no matrix.</exception>
    public static GenericChart HeatMap(
        Tensor values, string? title = null, IEnumerable<string>? rows = null, IEnumerable<string>? columns = null, ColorMap? colors = null)
    {
        if (values.ndim != 2)
        {
            throw new ArgumentException($"A heat map shows a matrix (H, W), got ({string.Join(", ", values.shape)}).");
        }

        double[][] z = [.. Series.Numbers(values).Chunk((int)values.shape[1])];
        string[]? xNames = columns?.ToArray();
        string[]? yNames = rows?.ToArray();
        (double low, double high, ColorMap usual) = ColorMap.For(Series.Numbers(values));
        ColorMap map = colors ?? usual;
        var scale = StyleParam.Colorscale.NewCustom(map.Stops.Select(stop => Tuple.Create(stop.Position, Color.fromHex(stop.Color))));
        GenericChart chart = Chart.Heatmap<double, string, string, string>(
            z, X: new(xNames!, xNames != null), Y: new(yNames!, yNames != null), ColorScale: scale, ReverseYAxis: true);
        foreach (Trace trace in map == ColorMap.Diverging ? GenericChart.getTraces(chart) : [])
        {
            trace.SetProperty("zmin", low);
            trace.SetProperty("zmax", high);
        }

        return Finish(chart, title, null, null);
    }

    private static GenericChart Line(Series series, double[]? places, bool markers)
    {
        if (places != null && places.Length != series.Values.Count)
        {
            throw new ArgumentException($"The series '{series.Name}' has {series.Values.Count} values for {places.Length} places on the x axis.");
        }

        return Chart.Line<double, double, string>(places ?? Places(series.Values.Count, first: 0), series.Values, ShowMarkers: markers, Name: series.Name);
    }

    private static double[] Places(int count, int first) => [.. Enumerable.Range(first, count).Select(place => (double)place)];

    private static GenericChart Finish(GenericChart chart, string? title, string? xTitle, string? yTitle, bool logX = false, bool logY = false)
    {
        chart = title is null ? chart : Plotly.NET.Chart.withTitle(title, TitleFont: null).Invoke(chart);
        return chart
            .WithXAxisStyle<double, double, string>(TitleText: new(xTitle!, xTitle != null), AxisType: new(StyleParam.AxisType.Log, logX))
            .WithYAxisStyle<double, double, string>(TitleText: new(yTitle!, yTitle != null), AxisType: new(StyleParam.AxisType.Log, logY));
    }
}
