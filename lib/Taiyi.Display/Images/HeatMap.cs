using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>A matrix shown as colours beside a colour bar; made by <see cref="Images.HeatMap"/>.</summary>
[TypeFormatterSource(typeof(ImageFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class HeatMap : View
{
    private readonly int _width;
    private readonly ColorMap _colors;
    private readonly double _low;
    private readonly double _high;
    private readonly string? _caption;

    internal HeatMap(Tensor values, string? caption, (double Low, double High)? range, ColorMap? colors, int width = 256)
    {
        float[] numbers = Read(values, out int rows, out int columns);
        (double low, double high, ColorMap usual) = ColorMap.For(Array.ConvertAll(numbers, number => (double)number));
        (_low, _high) = range ?? (colors is null || colors == ColorMap.Diverging ? (low, high) : ColorMap.Extent(Array.ConvertAll(numbers, number => (double)number)));
        (_colors, _width, _caption) = (colors ?? (_low < 0 && _high > 0 ? ColorMap.Diverging : usual), width, caption);
        double span = _high > _low ? _high - _low : 1;
        Image = new ImageView(Paint(columns, rows, i => (numbers[i] - _low) / span), caption) { Pixelated = true };
    }

    /// <summary>The colours alone, one pixel a value.</summary>
    public ImageView Image { get; }

    /// <summary>The values of the first and of the last colour.</summary>
    public (double Low, double High) Range => (_low, _high);

    /// <inheritdoc/>
    public override string ToHtml()
    {
        string cell = "border:none;background:transparent;padding:0;text-align:left";
        string number = $"{cell};{Html.Small};padding-left:4px";
        string image = Image.ToImage(_width);
        string caption = _caption is null ? "" : $"<tr style=\"{Html.RowStyle}\"><td colspan=\"3\" style=\"{number};text-align:center;white-space:normal;max-width:{_width}px\">{Html.Escape(_caption)}</td></tr>";
        return $"<table style=\"{Html.TableStyle}\"><tbody>" +
            $"<tr style=\"{Html.RowStyle}\"><td rowspan=\"3\" style=\"{cell}\">{image}</td><td rowspan=\"3\" style=\"{cell};padding-left:8px\">{Bar()}</td>" +
            $"<td style=\"{number};vertical-align:top\">{Numbers.Short(_high)}</td></tr>" +
            $"<tr style=\"{Html.RowStyle}\"><td style=\"{number};vertical-align:middle\">{Numbers.Short((_low + _high) / 2)}</td></tr>" +
            $"<tr style=\"{Html.RowStyle}\"><td style=\"{number};vertical-align:bottom\">{Numbers.Short(_low)}</td></tr>{caption}</tbody></table>";
    }

    /// <inheritdoc/>
    public override string ToText() =>
        $"[heat map {Image.Image.Width} x {Image.Image.Height}, {Numbers.Short(_low)} to {Numbers.Short(_high)}]{(_caption is null ? "" : " " + _caption)}";

    private string Bar()
    {
        const int steps = 64;
        ImageView bar = new(Paint(1, steps, i => 1 - (i / (steps - 1.0))));
        int height = Image.ShownHeight(_width);
        return $"<img src=\"data:image/png;base64,{Convert.ToBase64String(bar.Png.Span)}\" width=\"12\" height=\"{height}\" alt=\"colour bar\" style=\"display:block;margin:0;max-width:none;width:12px;height:{height}px\"/>";
    }

    private Image<Rgb24> Paint(int width, int height, Func<int, double> position)
    {
        byte[] pixels = new byte[3 * width * height];
        for (int i = 0; i < width * height; i++)
        {
            (pixels[3 * i], pixels[(3 * i) + 1], pixels[(3 * i) + 2]) = _colors.At(position(i));
        }

        return ImageConversion.FromBytes(width, height, pixels);
    }

    private static float[] Read(Tensor values, out int rows, out int columns)
    {
        if (values.ndim != 2 || values.numel() == 0)
        {
            throw new ArgumentException(
                $"A heat map shows a matrix (H, W), got ({string.Join(", ", values.shape)}): index it to two dimensions, for example x[0, 0].");
        }

        using var scope = NewDisposeScope();
        (rows, columns) = ((int)values.shape[0], (int)values.shape[1]);
        return values.detach().to(float32, CPU).contiguous().data<float>().ToArray(); // (H, W)
    }
}
