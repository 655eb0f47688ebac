using Plotly.NET;
using Chart = Plotly.NET.CSharp.Chart;

namespace Taiyi.Display;

/// <summary>A curve, a bundle of arrows or a cloud of points in a plane; for <see cref="Charts.Plane"/>.</summary>
/// <param name="Name">What the legend calls it.</param>
/// <param name="X">Where its points lie along the horizontal axis; NaN leaves a gap.</param>
/// <param name="Y">And along the vertical one, as many.</param>
public sealed record PlaneCurve(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    private const double HeadLength = 0.3, HeadAngle = 0.5; // of the arrow's length, in radians

    private bool Scattered { get; init; }

    private double Width { get; init; } = 2;

    /// <summary>Points that nothing joins.</summary>
    /// <inheritdoc cref="PlaneCurve(string, IReadOnlyList{double}, IReadOnlyList{double})"/>
    public static PlaneCurve Points(string name, IEnumerable<double> x, IEnumerable<double> y) => new(name, [.. x], [.. y]) { Scattered = true };

    /// <summary>Arrows, each from a place along a step.</summary>
    /// <param name="name">What the legend calls them.</param>
    /// <param name="arrows">Where each begins, and by how much it moves.</param>
    /// <param name="width">Width of the line in pixels.</param>
    public static PlaneCurve Arrows(string name, IEnumerable<(double X, double Y, double Dx, double Dy)> arrows, double width = 1.2)
    {
        List<double> xs = [], ys = [];
        foreach ((double x, double y, double dx, double dy) in arrows)
        {
            (double tipX, double tipY) = (x + dx, y + dy);
            (double leftX, double leftY) = Back(dx, dy, HeadAngle);
            (double rightX, double rightY) = Back(dx, dy, -HeadAngle);
            xs.AddRange([x, tipX, double.NaN, tipX + leftX, tipX, tipX + rightX, double.NaN]);
            ys.AddRange([y, tipY, double.NaN, tipY + leftY, tipY, tipY + rightY, double.NaN]);
        }

        return new PlaneCurve(name, xs, ys) { Width = width };

        static (double, double) Back(double dx, double dy, double angle) => (
            -HeadLength * ((dx * Math.Cos(angle)) - (dy * Math.Sin(angle))), -HeadLength * ((dx * Math.Sin(angle)) + (dy * Math.Cos(angle))));
    }

    internal GenericChart ToChart() => Scattered
        ? Chart.Point<double, double, string>(X, Y, Name: Name)
        : Chart.Line<double, double, string>(X, Y, Name: Name, LineWidth: Width);
}
