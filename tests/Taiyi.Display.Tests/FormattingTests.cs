using Microsoft.DotNet.Interactive.Formatting;
using Plotly.NET;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using static TorchSharp.torch;
using Chart = Plotly.NET.CSharp.Chart;

namespace Taiyi.Display.Tests;

/// <summary>The real formatter of .NET Interactive shows our values, though this library doesn't know it.</summary>
[Collection("one page")]
public sealed class FormattingTests
{
    [Fact]
    public void Every_view_is_delivered_as_html_and_text()
    {
        Type[] views = [.. typeof(View).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(View)))];

        Assert.True(views.Length >= 12, $"found {views.Length} views");
        Assert.All(views, view => Assert.Equal(["text/html", "text/plain"], Formatter.GetPreferredMimeTypesFor(view).Order()));
        Assert.All(views, view => Assert.True(view.IsSealed, $"{view.Name} is not sealed"));
    }

    [Fact, NoTensorLeak]
    public void A_picture_is_formatted_as_html_text_and_png()
    {
        using Tensor ramp = Samples.Ramp(4, 8);
        ImageView picture = Images.Show(ramp, "猫 <1>");

        Assert.Equal(picture.ToHtml(), picture.ToDisplayString("text/html"));
        Assert.Equal("[picture 8 x 4] 猫 <1>", picture.ToDisplayString("text/plain"));
        Image<Rgb24> decoded = ImageFile.Decode(Convert.FromBase64String(picture.ToDisplayString("image/png")), "output");
        Assert.Equal((8, 4), (decoded.Width, decoded.Height));
        Assert.Equal(picture.Image.ToBytes(), decoded.ToBytes());
    }

    [Fact]
    public void A_picture_of_image_sharp_is_shown_as_one_of_ours()
    {
        using Image<Rgb24> image = ImageConversion.FromBytes(1, 2, [1, 2, 3, 4, 5, 6]);

        using Image<Rgb24> shown = Assert.Single(Samples.PicturesOf(image.ToDisplayString("text/html")));

        Assert.Equal([1, 2, 3, 4, 5, 6], shown.ToBytes());
        Assert.Equal("[picture 1 x 2]", image.ToDisplayString("text/plain"));
    }

    [Fact, NoTensorLeak]
    public void A_heat_map_is_formatted_as_png_too()
    {
        using Tensor values = zeros(2, 3);
        HeatMap map = Images.HeatMap(values);

        Image<Rgb24> decoded = ImageFile.Decode(Convert.FromBase64String(map.ToDisplayString("image/png")), "output");

        Assert.Equal((3, 2), (decoded.Width, decoded.Height));
    }

    [Fact]
    public void A_chart_of_plotly_net_is_shown_as_our_view_also_when_it_is_a_subclass()
    {
        Notebook.NewPage();
        GenericChart chart = Chart.Point<double, double, string>([1, 2], [3, 4]);
        Assert.NotEqual(typeof(GenericChart), chart.GetType());

        string html = ((object)chart).ToDisplayString("text/html");

        Assert.Contains("data-taiyi-chart", html, StringComparison.Ordinal);
        Assert.StartsWith("<svg", new ChartView(chart).ToDisplayString("image/svg+xml"), StringComparison.Ordinal);
        Assert.Equal(["text/html", "text/plain"], Formatter.GetPreferredMimeTypesFor(chart.GetType()).Order());
    }

    [Fact, NoTensorLeak]
    public void Tensors_and_modules_are_shown_as_tables()
    {
        using Tensor tensor = ones(2, 3);
        using var layer = nn.Linear(2, 3);

        Assert.Contains("float32 (2, 3) on cpu, 6 values", tensor.ToDisplayString("text/html"), StringComparison.Ordinal);
        Assert.Contains("9 parameters, 9 of them trained", ((object)layer).ToDisplayString("text/html"), StringComparison.Ordinal);
    }
}
