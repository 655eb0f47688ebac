using System.Globalization;
using System.Text.Json.Nodes;
using Newtonsoft.Json;
using Plotly.NET;
using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>A Plotly.NET chart as a notebook shows it: a drawing in SVG that plotly.js, once it runs, replaces with the interactive chart.</summary>
[TypeFormatterSource(typeof(ChartFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class ChartView : View
{
    private static readonly JsonSerializerSettings Settings = new() { ReferenceLoopHandling = ReferenceLoopHandling.Serialize };
    private readonly JsonObject _json;
    private readonly ChartFigure _figure;

    /// <summary>Reads the chart as it is now.</summary>
    /// <param name="chart">A chart of Plotly.NET or Plotly.NET.CSharp.</param>
    public ChartView(GenericChart chart)
    {
        _json = ToJson(chart);
        ChartTheme.Apply(_json);
        _figure = ChartFigureReader.Read(_json);
        SetTicks("xaxis", SvgChart.LogarithmicTicks(_figure, upright: false));
        SetTicks("yaxis", SvgChart.LogarithmicTicks(_figure, upright: true));
    }

    // plotly.js mixes 0.001 and 100µ on one logarithmic axis.
    private void SetTicks(string axis, IReadOnlyList<(double Value, string Label)>? ticks)
    {
        if (ticks != null && _json["layout"]![axis] is JsonObject style && style["tickvals"] is null)
        {
            style["tickvals"] = new JsonArray([.. ticks.Select(tick => (JsonNode)tick.Value)]);
            style["ticktext"] = new JsonArray([.. ticks.Select(tick => (JsonNode)tick.Label)]);
        }
    }

    /// <summary>The drawing and the data for plotly.js; the first chart after <see cref="Notebook.NewPage"/> also carries plotly.js itself.</summary>
    public override string ToHtml()
    {
        string figure = new JsonObject { ["data"] = _json["data"]!.DeepClone(), ["layout"] = _json["layout"]!.DeepClone() }.ToJsonString();
        string id = Html.Id(figure);
        return $"<div data-taiyi-chart=\"{id}\" style=\"max-width:{_figure.Width}px\"><div>{ToSvg()}</div></div>" +
            Html.Script($"(window.taiyiCharts=window.taiyiCharts||[]).push({{id:\"{id}\",figure:{figure}}});if(window.taiyiDraw)window.taiyiDraw();") +
            PlotlyScript.ForFirstChart();
    }

    /// <summary>The drawing alone.</summary>
    public string ToSvg() => SvgChart.Render(_figure);

    /// <inheritdoc/>
    public override string ToText()
    {
        IEnumerable<string> traces = _figure.Panels.SelectMany(panel => panel.Traces).Select(trace =>
            trace.Kind == TraceKind.HeatMap ? $"  heat map {trace.Z.Length} x {trace.Z[0].Length}"
            : $"  {(trace.Name.Length == 0 ? "series" : trace.Name)}: {trace.X.Length} points, y {Span(trace.Y)}");
        return string.Join('\n', traces.Prepend($"[chart] {_figure.Title}".TrimEnd()));
    }

    // As GenericChart.toFigureJson, but without the template: half a second of work for eight kilobytes of white grounds.
    private static JsonObject ToJson(GenericChart chart)
    {
        JsonObject layout = [];
        foreach ((string name, object value) in GenericChart.getLayout(chart).GetProperties(true).Where(property => property.Key != "template"))
        {
            layout[name] = JsonNode.Parse(JsonConvert.SerializeObject(value, Settings));
        }

        JsonNode data = JsonNode.Parse(JsonConvert.SerializeObject(GenericChart.getTraces(chart), Settings))!;
        foreach (JsonArray values in data.AsArray().SelectMany(trace => new[] { trace!["x"], trace["y"], trace["z"] }).OfType<JsonArray>())
        {
            Shorten(values);
        }

        return new JsonObject { ["data"] = data, ["layout"] = layout };
    }

    // Six digits are more than a chart shows, and half of what a double is written with.
    private static void Shorten(JsonArray values)
    {
        for (int i = 0; i < values.Count; i++)
        {
            if (values[i] is JsonArray row)
            {
                Shorten(row);
            }
            else if (values[i] is JsonValue one && one.GetValueKind() == System.Text.Json.JsonValueKind.Number)
            {
                values[i] = double.Parse(one.GetValue<double>().ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            }
        }
    }

    private static string Span(double[] values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        return finite.Length == 0 ? "without a value" : $"{Numbers.Short(finite.Min())} to {Numbers.Short(finite.Max())}";
    }
}
