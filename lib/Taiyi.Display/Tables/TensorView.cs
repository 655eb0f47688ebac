using System.Text;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>A tensor as a table: shape, dtype, the range and spread of its values, and the values of its first corner.</summary>
/// <remarks>Reads the tensor once, when it is made: the tensor may be disposed afterwards.</remarks>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class TensorView : View
{
    private const int CornerSize = 6;
    private readonly string _heading;
    private readonly (string Name, string Value)[] _statistics;
    private readonly string[][] _corner;
    private readonly string _cornerName;

    /// <summary>Describes a tensor.</summary>
    /// <param name="tensor">Any shape, dtype and device; not changed.</param>
    /// <param name="name">What to call it, for example the variable.</param>
    public TensorView(Tensor tensor, string? name = null)
    {
        using var scope = NewDisposeScope();
        string prefix = name is null ? "" : name + ": ";
        _heading = $"{prefix}{CellText.NameOf(tensor.dtype)} ({string.Join(", ", tensor.shape)}) on {tensor.device}, {Numbers.Count(tensor.numel())} value{(tensor.numel() == 1 ? "" : "s")}";
        _statistics = [];
        _corner = [];
        _cornerName = "";
        if (tensor.numel() > 0 && !tensor.is_complex() && tensor.device_type != TorchSharp.DeviceType.META)
        {
            _statistics = Statistics(tensor.detach());
            (_corner, _cornerName) = Corner(tensor.detach());
        }
    }

    /// <inheritdoc/>
    public override string ToHtml()
    {
        const string cell = "padding:2px 10px 2px 0;border:none;background:transparent;text-align:right";
        StringBuilder html = new($"<div style=\"{Html.Small}\"><div style=\"font-weight:600\">{Html.Escape(_heading)}</div>");
        html.Append($"<div>{string.Join(" · ", _statistics.Select(one => $"{one.Name} <b>{one.Value}</b>"))}</div>");
        if (_corner.Length > 0)
        {
            html.Append($"<div style=\"opacity:.7;margin-top:4px\">{Html.Escape(_cornerName)}</div>");
            html.Append($"<table style=\"{Html.TableStyle};{Html.Small};font-variant-numeric:tabular-nums;border-left:{Html.Rule};border-right:{Html.Rule}\"><tbody>");
            foreach (string[] row in _corner)
            {
                html.Append($"<tr style=\"{Html.RowStyle}\">{string.Concat(row.Select(value => $"<td style=\"{cell};padding-left:10px\">{value}</td>"))}</tr>");
            }

            html.Append("</tbody></table>");
        }

        return html.Append("</div>").ToString();
    }

    /// <inheritdoc/>
    public override string ToText()
    {
        int width = _corner.Length == 0 ? 0 : _corner.Max(row => row.Max(value => value.Length));
        IEnumerable<string> corner = _corner.Select(row => "  " + string.Join("  ", row.Select(value => value.PadLeft(width))));
        string statistics = string.Join(", ", _statistics.Select(one => $"{one.Name} {one.Value}"));
        return string.Join('\n', new[] { _heading, statistics, _cornerName }.Where(line => line.Length > 0).Concat(corner));
    }

    private static (string, string)[] Statistics(Tensor tensor)
    {
        Tensor values = tensor.to(float64, CPU).flatten();
        Tensor finite = values[isfinite(values)];
        long broken = values.numel() - finite.numel();
        (string, string)[] odd = broken == 0 ? [] : [("not finite", Numbers.Count(broken))];
        if (finite.numel() == 0)
        {
            return odd;
        }

        double deviation = finite.numel() > 1 ? finite.std(unbiased: false).item<double>() : 0;
        return
        [
            ("min", Numbers.Short(finite.min().item<double>())), ("max", Numbers.Short(finite.max().item<double>())),
            ("mean", Numbers.Short(finite.mean().item<double>())), ("std", Numbers.Short(deviation)), .. odd,
        ];
    }

    // The first rows and columns of the last two dimensions, where all others are at 0.
    private static (string[][] Rows, string Name) Corner(Tensor tensor)
    {
        Tensor plane = tensor;
        while (plane.ndim > 2)
        {
            plane = plane[0];
        }

        string name = tensor.ndim > 2 ? $"[{string.Join(", ", Enumerable.Repeat("0", (int)tensor.ndim - 2))}, :, :]" : "";
        plane = plane.ndim < 2 ? plane.reshape(1, -1) : plane;
        (long height, long width) = (plane.shape[0], plane.shape[1]);
        int rows = (int)Math.Min(height, CornerSize);
        int columns = (int)Math.Min(width, CornerSize);
        double[] numbers = plane.narrow(0, 0, rows).narrow(1, 0, columns).to(float64, CPU).contiguous().data<double>().ToArray();
        IEnumerable<string[]> cells = numbers.Chunk(columns).Select(row => row.Select(Numbers.Short).Concat(Enumerable.Repeat("…", width > columns ? 1 : 0)).ToArray());
        string[][] more = height > rows ? [[.. Enumerable.Repeat("⋮", columns)]] : [];
        return ([.. cells, .. more], name);
    }
}
