using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Plotly.NET;
using Chart = Plotly.NET.CSharp.Chart;

namespace Taiyi.Display.Tests;

[Collection("one page")]
public sealed class ChartTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Fact]
    public void Only_the_first_chart_of_a_page_carries_plotly()
    {
        Notebook.NewPage();
        GenericChart chart = Taiyi.Display.Charts.Bars(["a", "b"], [1, 2]);

        int[] lengths = [.. Enumerable.Range(0, 3).Select(_ => new ChartView(chart).ToHtml().Length)];
        Notebook.NewPage();
        int again = new ChartView(chart).ToHtml().Length;

        Assert.InRange(lengths[0], 500_000, 700_000);
        Assert.True(lengths[1] < 20_000, $"{lengths[1]} characters");
        Assert.Equal(lengths[1], lengths[2]);
        Assert.Equal(lengths[0], again);
    }

    [Fact]
    public void After_the_first_cell_no_chart_carries_plotly()
    {
        Notebook.NewPage();

        Assert.InRange(Notebook.Begin().ToHtml().Length, 500_000, 700_000);
        Assert.InRange(Notebook.Begin().ToHtml().Length, 500_000, 700_000); // the cell run again
        Assert.True(new ChartView(Taiyi.Display.Charts.Bars(["a"], [1])).ToHtml().Length < 20_000);
    }

    [Fact]
    public void No_view_asks_the_network_for_anything()
    {
        string page = Gallery.Page();

        Assert.Empty(Regex.Matches(page, "(src|href|url)\\s*[=(]\\s*[\"']?\\s*(https?:|//)"));
        Assert.DoesNotContain("@import", page, StringComparison.Ordinal);
        Assert.True(page.Length < 1_000_000, $"{page.Length} characters");
    }

    [Fact]
    public void Every_view_is_well_formed()
    {
        XDocument page = XDocument.Parse(Gallery.Page().Replace("<!DOCTYPE html>", "", StringComparison.Ordinal));

        Assert.Equal(Gallery.Charts, page.Descendants().Count(element => element.Attribute("data-taiyi-chart") != null));
    }

    [Fact]
    public void A_drawing_alone_in_a_file_has_light_text_on_a_dark_page_and_nothing_between_its_elements()
    {
        XElement drawing = XElement.Parse(new ChartView(Taiyi.Display.Charts.Bars(["a"], [1])).ToSvg());

        Assert.Contains("@media(prefers-color-scheme:dark){svg:root{color:", (string?)drawing.Element(Svg + "style"), StringComparison.Ordinal);
        Assert.Empty(drawing.Nodes().OfType<XText>());
    }

    [Fact]
    public void Running_a_notebook_again_gives_the_same_html()
    {
        Assert.Equal(Gallery.Page(), Gallery.Page());
    }

    [Fact]
    public void A_line_goes_through_its_points()
    {
        // 680 x 400: the panel lies between x = 66 and 662, and between y = 16 and 354; 0 to 10 with 5 % of it free below and above.
        XElement svg = Draw(Taiyi.Display.Charts.Lines([("a", new double[] { 0, 10, 5 })], x: [0, 1, 2]));

        double[][] points = Path(Assert.Single(svg.Descendants(Svg + "path"), path => (string?)path.Attribute("class") == "line"));

        Assert.Equal(3, points.Length);
        double height = 354 - 16;
        Assert.Equal([66, 364, 662], points.Select(point => point[0]));
        Assert.Equal(354 - (height * 0.5 / 11), points[0][1], 0.01);
        Assert.Equal(16 + (height * 0.5 / 11), points[1][1], 0.01);
        Assert.Equal((354 + 16) / 2.0, points[2][1], 0.01);
    }

    [Fact]
    public void A_missing_value_is_a_gap()
    {
        XElement svg = Draw(Taiyi.Display.Charts.Lines([("a", new[] { 0, 1, double.NaN, 3, 4 })]));

        string path = (string)Assert.Single(svg.Descendants(Svg + "path"), path => (string?)path.Attribute("class") == "line").Attribute("d")!;

        Assert.Equal((2, 2), (path.Count(letter => letter == 'M'), path.Count(letter => letter == 'L')));
    }

    [Fact]
    public void Ticks_stand_at_round_numbers()
    {
        XElement svg = Draw(Taiyi.Display.Charts.Lines([("a", Enumerable.Range(0, 1001).Select(k => k / 1000.0))]));

        Assert.Equal(["0", "200", "400", "600", "800", "1000"], Labels(svg, "x-tick")); // 596 pixels hold eight labels: a step of 125 and more is 200
        Assert.Equal(["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"], Labels(svg, "y-tick"));
    }

    [Fact]
    public void A_logarithmic_axis_has_equal_steps_for_equal_ratios()
    {
        XElement svg = Draw(Taiyi.Display.Charts.Lines([("a", new double[] { 0.01, 1, 100, -1 })], logY: true));

        double[][] points = Path(Assert.Single(svg.Descendants(Svg + "path"), path => (string?)path.Attribute("class") == "line"));

        Assert.Equal(["0.01", "0.1", "1", "10", "100"], Labels(svg, "y-tick"));
        Assert.Equal(3, points.Length); // -1 has no logarithm
        Assert.Equal(points[0][1] - points[1][1], points[1][1] - points[2][1], 0.02);
    }

    [Fact]
    public void Labels_of_a_logarithmic_axis_are_of_one_kind_on_the_drawing_and_in_the_living_chart()
    {
        GenericChart chart = Taiyi.Display.Charts.Lines([("a", new[] { 1e-5, 1e-3, 1 })], logY: true);

        string[] labels = [.. Labels(Draw(chart), "y-tick")];

        Assert.Equal(["10⁻⁵", "10⁻⁴", "10⁻³", "10⁻²", "10⁻¹", "10⁰"], labels);
        Assert.All(labels, label => Assert.Contains(System.Text.Json.Nodes.JsonValue.Create(label)!.ToJsonString(), new ChartView(chart).ToHtml(), StringComparison.Ordinal));
    }

    [Fact]
    public void A_few_measured_places_are_the_ticks_of_a_logarithmic_axis()
    {
        GenericChart chart = Taiyi.Display.Charts.Lines([("a", new[] { 4.0, 3, 2, 1 })], x: [5, 10, 20, 50], logX: true, markers: true);

        Assert.Equal(["5", "10", "20", "50"], Labels(Draw(chart), "x-tick"));
    }

    [Fact]
    public void A_heat_map_of_both_signs_has_zero_in_the_middle_of_its_colours()
    {
        using TorchSharp.torch.Tensor values = TorchSharp.torch.tensor(new float[] { -1, 0, 3, 2 }, [2, 2]);

        Assert.Equal(["-3", "0", "3"], Labels(Draw(Taiyi.Display.Charts.HeatMap(values)), "z-tick"));
    }

    [Fact]
    public void An_arrow_has_a_shaft_and_a_head_at_its_tip()
    {
        PlaneCurve arrow = PlaneCurve.Arrows("step", [(0, 0, 10, 0)]);

        Assert.Equal([0, 10], arrow.X.Take(2));
        Assert.True(double.IsNaN(arrow.X[2]));
        // 0.3 of the length back, half a radian to each side
        Assert.Equal(10 - (3 * Math.Cos(0.5)), arrow.X[3], 1e-9);
        Assert.Equal(-arrow.Y[3], arrow.Y[5], 1e-9);
        Assert.Equal(3 * Math.Sin(0.5), Math.Abs(arrow.Y[3]), 1e-9);
    }

    [Fact]
    public void Both_axes_of_a_plane_have_one_scale()
    {
        XElement svg = Draw(Taiyi.Display.Charts.Plane([new PlaneCurve("a", [0, 1, 1], [0, 0, 1])], "t", "x", "y", (-1, 2)));

        double[][] points = Path(Assert.Single(svg.Descendants(Svg + "path"), path => (string?)path.Attribute("class") == "line"));

        double across = points[1][0] - points[0][0], up = points[1][1] - points[2][1];
        Assert.InRange(up / across, 0.9, 1.1);
    }

    [Fact]
    public void Bars_stand_on_zero_and_are_as_high_as_their_values()
    {
        XElement[] bars = [.. Draw(Taiyi.Display.Charts.Bars(["一", "二", "三"], [1, 2, 4])).Descendants(Svg + "rect").Where(bar => (string?)bar.Attribute("class") == "bar")];

        double[] heights = [.. bars.Select(bar => (double)bar.Attribute("height")!)];
        Assert.Equal(3, bars.Length);
        Assert.Equal(2 * heights[0], heights[1], 0.05);
        Assert.Equal(4 * heights[0], heights[2], 0.05);
        Assert.All(bars, bar => Assert.Equal(354, (double)bar.Attribute("y")! + (double)bar.Attribute("height")!, 0.02));
    }

    [Fact]
    public void A_histogram_counts_every_value_once()
    {
        // bins [0, 1), [1, 2), [2, 3), [3, 4]
        GenericChart chart = Taiyi.Display.Charts.Histogram([0, 0.5, 1, 2.5, 3, 4, double.NaN], bins: 4);

        double[] heights = [.. Draw(chart).Descendants(Svg + "rect").Where(bar => (string?)bar.Attribute("class") == "bar").Select(bar => (double)bar.Attribute("height")!)];

        Assert.Equal([2, 1, 1, 2], heights.Select(height => Math.Round(2 * height / heights.Max(), 2)));
    }

    [Fact]
    public void Stacked_bars_stand_on_one_another()
    {
        GenericChart chart = Chart.StackedColumn<double, string, string>([1], new(["a"], true));
        GenericChart both = Chart.Combine([chart, Chart.StackedColumn<double, string, string>([3], new(["a"], true))]);

        XElement[] bars = [.. Draw(both).Descendants(Svg + "rect").Where(bar => (string?)bar.Attribute("class") == "bar")];

        Assert.Equal((double)bars[0].Attribute("y")!, (double)bars[1].Attribute("y")! + (double)bars[1].Attribute("height")!, 0.02);
        Assert.Equal(3 * (double)bars[0].Attribute("height")!, (double)bars[1].Attribute("height")!, 0.05);
    }

    [Fact]
    public void The_legend_names_every_series()
    {
        XElement svg = Draw(Taiyi.Display.Charts.Lines([("线性 linear", new double[] { 1, 2 }), ("a < b", new double[] { 2, 1 })]));

        Assert.Equal(["线性 linear", "a < b"], Labels(svg, "legend"));
    }

    [Fact]
    public void The_living_chart_has_room_for_a_legend_of_two_rows_below_its_title()
    {
        // An entry of 24 letters is 54 + 24 · 6.6 = 212 pixels wide; of the 680 less 66 and 18 two stand in a row.
        static string Html(string name) => new ChartView(Taiyi.Display.Charts.Lines([.. Enumerable.Range(0, 4).Select(i => new Series($"{name}{i}", [1, 2]))], "title")).ToHtml();

        Assert.Contains("\"t\":72,", Html("a"), StringComparison.Ordinal);
        Assert.Contains("\"t\":94,", Html(new string('b', 23)), StringComparison.Ordinal);
    }

    [Fact]
    public void Long_lines_are_thinned_but_keep_their_extremes()
    {
        double[] values = new double[100_000];
        values[33_333] = 7;

        double[][] points = Path(Assert.Single(Draw(Taiyi.Display.Charts.Lines([("a", values)])).Descendants(Svg + "path"), path => (string?)path.Attribute("class") == "line"));

        Assert.InRange(points.Length, 2, 600);
        Assert.Equal(16 + (338 * 0.05 / 1.1), points.Min(point => point[1]), 0.01); // the only 7 is drawn, at the top
    }

    [Fact]
    public void The_running_mean_of_a_constant_is_the_constant()
    {
        ChartView chart = new(Taiyi.Display.Charts.Loss([3, 3, 3]));

        Assert.Equal("[chart]\n  loss of the step: 3 points, y 3 to 3\n  running mean: 3 points, y 3 to 3", chart.ToText());
        Assert.Throws<ArgumentOutOfRangeException>(() => Taiyi.Display.Charts.Loss([1], smoothing: 1));
    }

    [Fact]
    public void A_series_of_another_length_than_its_axis_is_refused()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => Taiyi.Display.Charts.Lines([("a", new double[] { 1, 2 })], x: [1, 2, 3]));

        Assert.Contains("'a' has 2 values for 3 places", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_of_chart_that_svg_leaves_out_says_so()
    {
        Assert.Contains("where scripts run", new ChartView(Chart.Pie<double, string, string>([1, 2])).ToSvg(), StringComparison.Ordinal);
    }

    private static XElement Draw(GenericChart chart) => XElement.Parse(new ChartView(chart).ToSvg());

    private static IEnumerable<string> Labels(XElement svg, string name) =>
        svg.Descendants(Svg + "text").Where(text => (string?)text.Attribute("class") == name).Select(text => text.Value);

    private static double[][] Path(XElement path) => [.. Regex.Matches((string)path.Attribute("d")!, "[ML]([-0-9.]+) ([-0-9.]+)")
        .Select(match => (double[])[.. match.Groups.Values.Skip(1).Select(number => double.Parse(number.Value, CultureInfo.InvariantCulture))])];
}
