using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>plotly.js for a page, once: packed by gzip (0.6 MB in place of 1.3), unpacked by the browser, never from the network.</summary>
/// <remarks>
/// The cartesian bundle of plotly.js 2.30.1 (MIT): scatter, line, bar, box, violin, histogram, heat map, contour, image, pie. A chart
/// of another kind keeps its drawing.
/// </remarks>
internal static class PlotlyScript
{
    private static readonly Lazy<string> Element = new(Pack);
    private static int _embedded;

    /// <summary>The script element for the first chart of a page, and nothing for the others.</summary>
    public static string ForFirstChart() => Interlocked.Exchange(ref _embedded, 1) == 0 ? Element.Value : "";

    /// <summary>The script element for a cell whose only work is to bring it: no chart carries it from now on.</summary>
    public static string ForPage()
    {
        Interlocked.Exchange(ref _embedded, 1);
        return Element.Value;
    }

    /// <summary>Another page begins: its first chart carries the script again.</summary>
    public static void NewPage() => Interlocked.Exchange(ref _embedded, 0);

    private static string Pack() => Html.Script(Html.Asset("charts.js").Replace(
        "PLOTLY_GZIP_BASE64", Convert.ToBase64String(Html.AssetBytes("plotly-cartesian-2.30.1.min.js.gz")), StringComparison.Ordinal));
}
