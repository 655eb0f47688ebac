using System.Text.Json.Nodes;

namespace Taiyi.Display;

/// <summary>Makes a chart's JSON fit a notebook: transparent background, mid-tone colours, and a legend above the plot.</summary>
internal static class ChartTheme
{
    /// <summary>Eight colours with a contrast of at least 3 to 1 on white and on near-black.</summary>
    public static IReadOnlyList<string> Colorway { get; } = ["#4c8bf5", "#e8663c", "#2fa874", "#a266d9", "#c98a12", "#17a2b8", "#e0559b", "#7f8c3a"];

    /// <summary>What Plotly.NET writes where the cell gave no size.</summary>
    private const double UnsetSize = 600;

    private const double Left = 66, Right = 18; // margins, in pixels

    private const string Grid = "rgba(128,128,128,.25)";

    public static void Apply(JsonObject figure)
    {
        var layout = (JsonObject)figure["layout"]!;
        layout["paper_bgcolor"] = "rgba(0,0,0,0)";
        layout["plot_bgcolor"] = "rgba(0,0,0,0)";
        layout["colorway"] ??= new JsonArray([.. Colorway.Select(color => (JsonNode)color)]);
        (double width, double height) = ((double?)layout["width"] ?? UnsetSize, (double?)layout["height"] ?? UnsetSize);
        if ((width, height) is (UnsetSize, UnsetSize))
        {
            (width, height) = (680, 400);
        }

        (layout["width"], layout["height"]) = (width, height);
        bool titled = layout["title"] != null;
        int furtherRows = LegendRows(figure, width - Left - Right) - 1;
        layout["margin"] ??= new JsonObject { ["l"] = Left, ["r"] = Right, ["t"] = (titled ? 72 : 40) + (22 * furtherRows), ["b"] = 46 };
        layout["legend"] ??= new JsonObject { ["orientation"] = "h", ["x"] = 0, ["y"] = 1.02, ["yanchor"] = "bottom" };
        if (layout["title"] is JsonObject title)
        {
            title["x"] ??= Left / width; // above the vertical axis
            title["y"] ??= 1 - (25 / height); // else in the middle of the margin, where a legend of two rows is
            title["font"] ??= new JsonObject { ["size"] = 15 };
        }

        StyleAxes(figure, layout);
        RemoveEmpty(figure["data"]!.AsArray());
    }

    // Plotly sets a legend that is too long for one row in columns as wide as its widest entry, and grows it upwards.
    private static int LegendRows(JsonObject figure, double width)
    {
        double[] entries = [.. figure["data"]!.AsArray().Where(trace => (bool?)trace!["showlegend"] != false)
            .Select(trace => 54 + SvgChart.WidthOf((string?)trace!["name"] ?? ""))]; // line, gaps, letters
        return entries.Length < 2 || entries.Sum() <= width ? 1
            : (int)Math.Ceiling(entries.Length / Math.Max(1, Math.Floor(width / entries.Max())));
    }

    private static void StyleAxes(JsonObject figure, JsonObject layout)
    {
        foreach (JsonNode? trace in figure["data"]!.AsArray())
        {
            layout["xaxis" + ((string?)trace!["xaxis"] ?? "x")[1..]] ??= new JsonObject();
            layout["yaxis" + ((string?)trace["yaxis"] ?? "y")[1..]] ??= new JsonObject();
        }

        foreach (JsonObject axis in layout.Where(pair => pair.Key.StartsWith("xaxis", StringComparison.Ordinal) || pair.Key.StartsWith("yaxis", StringComparison.Ordinal))
            .Select(pair => pair.Value).OfType<JsonObject>())
        {
            axis["gridcolor"] ??= Grid;
            axis["zerolinecolor"] ??= Grid;
            axis["linecolor"] ??= "rgba(128,128,128,.7)";
            axis["showline"] ??= true;
            axis["automargin"] ??= true;
        }
    }

    // Plotly.NET writes {} for every style that the cell left alone.
    private static void RemoveEmpty(JsonArray traces)
    {
        foreach (JsonObject trace in traces.OfType<JsonObject>())
        {
            foreach (string name in trace.Where(pair => pair.Value is JsonObject { Count: 0 }).Select(pair => pair.Key).ToArray())
            {
                trace.Remove(name);
            }
        }
    }
}
