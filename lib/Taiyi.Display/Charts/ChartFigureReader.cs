using System.Globalization;
using System.Text.Json.Nodes;

namespace Taiyi.Display;

/// <summary>Reads the JSON that plotly.js draws into a <see cref="ChartFigure"/>, so that the static picture has the same source.</summary>
/// <remarks>Names and defaults: the plotly.js reference of traces and layout.</remarks>
internal static class ChartFigureReader
{
    public static ChartFigure Read(JsonObject figure)
    {
        var layout = (JsonObject)figure["layout"]!;
        string[] colorway = [.. layout["colorway"]!.AsArray().Select(color => (string)color!)];
        JsonObject[] traces = [.. figure["data"]!.AsArray().Select(trace => (JsonObject)trace!)];
        bool legend = (bool?)layout["showlegend"] ?? traces.Length > 1;

        List<ChartPanel> panels = [];
        foreach (var group in traces.Select((trace, i) => (Json: trace, Color: colorway[i % colorway.Length]))
            .GroupBy(trace => ((string?)trace.Json["xaxis"] ?? "x", (string?)trace.Json["yaxis"] ?? "y")))
        {
            panels.Add(ReadPanel(layout, group.Key.Item1, group.Key.Item2, [.. group], legend));
        }

        return new ChartFigure(panels)
        {
            Title = TextOf(layout["title"]),
            Width = (int)(double)layout["width"]!,
            Height = (int)(double)layout["height"]!,
            Columns = (int?)layout["grid"]?["columns"] ?? 1,
        };
    }

    private static ChartPanel ReadPanel(JsonObject layout, string x, string y, (JsonObject Json, string Color)[] traces, bool legend)
    {
        IReadOnlyList<string>? xNames = Categories(traces.Select(trace => trace.Json["x"]));
        IReadOnlyList<string>? yNames = Categories(traces.Select(trace => trace.Json["y"]));
        ChartTrace[] read = [.. traces.Select(trace => ReadTrace(trace.Json, trace.Color, xNames, yNames, legend))];
        ChartAxis xAxis = ReadAxis(layout["xaxis" + x[1..]], xNames);
        return new ChartPanel(xAxis with { Places = PlacesOf(xAxis, read) }, ReadAxis(layout["yaxis" + y[1..]], yNames), read)
        {
            Stacked = (string?)layout["barmode"] is "stack" or "relative",
        };
    }

    // On a logarithmic axis a few measured places say more than powers of ten.
    private static double[]? PlacesOf(ChartAxis axis, ChartTrace[] traces)
    {
        double[] places = [.. traces.SelectMany(trace => trace.X).Where(place => place > 0).Distinct().Order()];
        return axis.Logarithmic && places.Length is > 1 and <= 10 && traces.All(trace => trace.Kind is TraceKind.LinesAndPoints or TraceKind.Points) ? places : null;
    }

    private static ChartAxis ReadAxis(JsonNode? axis, IReadOnlyList<string>? categories)
    {
        double[]? range = axis?["range"] is JsonArray { Count: 2 } ends ? [.. ends.Select(Number)] : null;
        bool logarithmic = (string?)axis?["type"] == "log"; // its range is given in powers of ten
        return new ChartAxis
        {
            Title = TextOf(axis?["title"]),
            Logarithmic = logarithmic,
            Categories = categories,
            Range = range is null ? null : logarithmic ? (Math.Pow(10, range.Min()), Math.Pow(10, range.Max())) : (range.Min(), range.Max()),
            Reversed = axis?["autorange"]?.ToString() == "reversed" || range?[0] > range?[1],
        };
    }

    private static ChartTrace ReadTrace(JsonObject trace, string color, IReadOnlyList<string>? xNames, IReadOnlyList<string>? yNames, bool legend)
    {
        TraceKind kind = KindOf(trace);
        JsonNode? line = trace["line"];
        JsonNode? marker = trace["marker"];
        double[][] z = kind == TraceKind.HeatMap ? [.. trace["z"]!.AsArray().Select(row => row!.AsArray().Select(Number).ToArray())] : [];
        double[] x = Places(trace["x"], xNames);
        double[] y = Places(trace["y"], yNames);
        int length = Math.Max(x.Length, y.Length);
        return new ChartTrace(kind, (string?)trace["name"] ?? "", x.Length == 0 ? Indices(length) : x, y.Length == 0 ? Indices(length) : y, ColorOf(line) ?? ColorOf(marker) ?? color)
        {
            LineWidth = (double?)line?["width"] ?? 2,
            Dash = (string?)line?["dash"] is { } dash and not "solid" ? dash : null,
            Opacity = (double?)trace["opacity"] ?? 1,
            InLegend = legend && trace["name"] != null && ((bool?)trace["showlegend"] ?? true),
            BarWidth = trace["width"] is JsonValue width && width.TryGetValue(out double value) ? value : null,
            Z = z,
            Colors = ColorsOf(trace["colorscale"]),
            NamedZRange = trace["zmin"] is JsonValue && trace["zmax"] is JsonValue ? (Number(trace["zmin"]), Number(trace["zmax"])) : null,
        };
    }

    private static TraceKind KindOf(JsonObject trace)
    {
        string mode = (string?)trace["mode"] ?? "lines";
        return ((string?)trace["type"] ?? "scatter") switch
        {
            "scatter" or "scattergl" when mode.Contains("lines") && mode.Contains("markers") => TraceKind.LinesAndPoints,
            "scatter" or "scattergl" when mode.Contains("markers") => TraceKind.Points,
            "scatter" or "scattergl" => TraceKind.Lines,
            "bar" => (string?)trace["orientation"] == "h" ? TraceKind.HorizontalBars : TraceKind.Bars,
            "heatmap" => TraceKind.HeatMap,
            _ => TraceKind.Unknown,
        };
    }

    // An axis shows names as soon as one of its values is no number (plotly.js writes missing numbers as the string NaN).
    private static List<string>? Categories(IEnumerable<JsonNode?> arrays)
    {
        JsonNode?[] values = [.. arrays.OfType<JsonArray>().SelectMany(array => array)];
        return values.Any(value => value is JsonValue text && text.TryGetValue(out string? name) && !IsNumber(name))
            ? [.. values.Select(value => value?.ToString() ?? "").Distinct()]
            : null;
    }

    private static double[] Places(JsonNode? array, IReadOnlyList<string>? names)
    {
        if (array is not JsonArray values)
        {
            return [];
        }

        Dictionary<string, int>? places = names?.Select((name, i) => (name, i)).ToDictionary(pair => pair.name, pair => pair.i);
        return [.. values.Select(value => places is null ? Number(value) : places[value?.ToString() ?? ""])];
    }

    private static double Number(JsonNode? value) => value is JsonValue number
        ? number.TryGetValue(out double real) ? real : Parse(number.ToString())
        : double.NaN;

    private static double Parse(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN;

    private static bool IsNumber(string text) =>
        text is "NaN" or "Infinity" or "-Infinity" || double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static double[] Indices(int length) => [.. Enumerable.Range(0, length)];

    private static string? ColorOf(JsonNode? style) =>
        style?["color"] is JsonValue color && color.TryGetValue(out string? name) ? name : null;

    private static string? TextOf(JsonNode? title) => title is JsonObject parts ? (string?)parts["text"] : title?.ToString();

    private static ColorMap ColorsOf(JsonNode? scale) => scale is JsonArray { Count: > 1 } stops && stops.All(stop => ((string?)stop![1])?.StartsWith('#') == true)
        ? new ColorMap([.. stops.Select(stop => uint.Parse(((string)stop![1]!).AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture))])
        : ColorMap.Viridis;
}
