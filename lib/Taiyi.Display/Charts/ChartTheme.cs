using System.Text.Json.Nodes;

namespace Taiyi.Display;

/// <summary>Makes a chart's JSON fit a notebook: transparent background, mid-tone colours, and a legend above the plot.</summary>
internal static class ChartTheme
{
    /// <summary>Eight colours with a contrast of at least 3 to 1 on white and on near-black.</summary>
    public static IReadOnlyList<string> Colorway { get; } = ["#4c8bf5", "#e8663c", "#2fa874", "#a266d9", "#c98a12", "#17a2b8", "#e0559b", "#7f8c3a"];

    /// <summary>What Plotly.NET writes where the cell gave no size.</summary>
    private const int UnsetSize = 600;

    private const string Grid = "rgba(128,128,128,.25)";

    public static void Apply(JsonObject figure)
    {
        var layout = (JsonObject)figure["layout"]!;
        layout["paper_bgcolor"] = "rgba(0,0,0,0)";
        layout["plot_bgcolor"] = "rgba(0,0,0,0)";
        layout["colorway"] ??= new JsonArray([.. Colorway.Select(color => (JsonNode)color)]);
        if ((int?)(double?)layout["width"] is null or UnsetSize && (int?)(double?)layout["height"] is null or UnsetSize)
        {
            (layout["width"], layout["height"]) = (680.0, 400.0);
        }

        bool titled = layout["title"] != null;
        layout["margin"] ??= new JsonObject { ["l"] = 66, ["r"] = 18, ["t"] = titled ? 72 : 40, ["b"] = 46 };
        layout["legend"] ??= new JsonObject { ["orientation"] = "h", ["x"] = 0, ["y"] = 1.02, ["yanchor"] = "bottom" };
        if (layout["title"] is JsonObject title)
        {
            title["x"] ??= 66 / (double)layout["width"]!; // above the vertical axis
            title["font"] ??= new JsonObject { ["size"] = 15 };
        }

        StyleAxes(figure, layout);
        RemoveEmpty(figure["data"]!.AsArray());
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
