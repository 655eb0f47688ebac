using System.Xml.Linq;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using static TorchSharp.torch;

namespace Taiyi.Display.Tests;

[NoTensorLeak]
public sealed class ImageTests
{
    [Fact]
    public void The_file_keeps_the_true_size_and_every_pixel()
    {
        using Tensor ramp = Samples.Ramp(5, 9);

        Image<Rgb24> image = Assert.Single(Samples.PicturesOf(Images.Show(ramp).ToHtml()));

        Assert.Equal((9, 5), (image.Width, image.Height));
        Assert.Equal([0, 0, 0], image.ToBytes()[..3]);              // red and green are -1 at the upper left
        Assert.Equal([255, 255, 0], image.ToBytes()[^3..]);         // and 1 at the lower right
        Assert.Equal([128, 0, 0], image.ToBytes().AsSpan(3 * 4, 3).ToArray()); // the middle of row 0: red (0 / 2 + 0.5) * 255 = 127.5
    }

    [Fact]
    public void A_small_picture_is_enlarged_by_a_whole_number()
    {
        using Tensor ramp = Samples.Ramp(8, 20);

        XElement image = Assert.Single(XElement.Parse(Images.Show(ramp).ToHtml()).Descendants("img"));

        Assert.Equal("260", image.Attribute("width")!.Value); // 13 times 20 is nearest to 256
        Assert.Equal("104", image.Attribute("height")!.Value); // 13 times 8
        Assert.Contains("image-rendering:pixelated", image.Attribute("style")!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_drawing_is_scaled_smoothly_to_the_width_and_noise_by_whole_pixels()
    {
        using Tensor ramp = Samples.Ramp(64, 100);

        string Style(ImageStrip strip) => XElement.Parse(strip.ToHtml()).Descendants("img").Single().Attribute("style")!.Value;

        Assert.Equal("width:160px;height:102px;max-width:none;display:block;margin:0 auto", Style(Images.Strip(ramp, width: 160)));
        Assert.Equal("image-rendering:pixelated;width:200px;height:128px;max-width:none;display:block;margin:0 auto", Style(Images.Strip(ramp, width: 160, pixelated: true)));
    }

    [Fact]
    public void A_page_holds_a_webp_where_that_is_much_smaller_and_the_pixels_where_they_are_looked_at()
    {
        using var scope = NewDisposeScope();
        Tensor grain = randn([3, 96, 96], float32, CPU, generator: new Generator(1));
        ImageView drawing = Images.Show(Samples.Ramp(96, 96) + (0.03 * grain)), exact = new(drawing.Image) { Pixelated = true };

        string page = drawing.ToHtml(), noise = Images.Show(grain).ToHtml();
        byte[] shown = ImageFile.Decode(Convert.FromBase64String(page.Split("base64,")[1].Split('"')[0]), "page").ToBytes();

        Assert.Contains("data:image/webp", page, StringComparison.Ordinal);
        Assert.True(page.Length < 0.7 * exact.ToHtml().Length, $"{page.Length} and {exact.ToHtml().Length} characters");
        Assert.True(drawing.Image.ToBytes().Zip(shown, (a, b) => Math.Abs(a - b)).Average() < 4);
        Assert.True(noise.Length < 96 * 96, $"{noise.Length} characters"); // a PNG of noise has three bytes a pixel, four letters in base64
        Assert.Equal(drawing.Image.ToBytes(), Samples.PicturesOf(exact.ToHtml()).Single().ToBytes());
        Assert.Equal(drawing.Image.ToBytes(), ImageFile.Decode(drawing.Png.ToArray(), "png").ToBytes());
    }

    [Fact]
    public void A_large_picture_is_not_enlarged()
    {
        using Tensor flat = Samples.Flat(300, 400, 0);

        XElement image = Assert.Single(XElement.Parse(Images.Show(flat).ToHtml()).Descendants("img"));

        Assert.Equal(("400", "300"), (image.Attribute("width")!.Value, image.Attribute("height")!.Value));
        Assert.DoesNotContain("pixelated", image.Attribute("style")!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void A_caption_is_escaped_and_chinese_stays_readable()
    {
        using Tensor flat = Samples.Flat(4, 4, 0);

        string html = Images.Show(flat, "一只猫 <script>alert(\"x\")</script> & more").ToHtml();

        Assert.Contains("一只猫", html, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", html, StringComparison.Ordinal);
        Assert.Equal("一只猫 <script>alert(\"x\")</script> & more", XElement.Parse(html).Element("figcaption")!.Value);
    }

    [Fact]
    public void Bytes_files_grey_and_integer_tensors_make_pictures()
    {
        using Tensor grey = zeros(1, 2, 2);
        using Tensor bytes = full(3, 2, 2, 255, dtype: uint8);
        using Tensor plane = ones(2, 2);
        byte[] file = ImageFile.EncodePng(ImageConversion.FromBytes(1, 1, [1, 2, 3]));

        Assert.Equal([128, 128, 128], ImageView.From(grey).Image.ToBytes()[..3]);
        Assert.Equal([255, 255, 255], ImageView.From(bytes).Image.ToBytes()[..3]);
        Assert.Equal([255, 255, 255], ImageView.From(plane).Image.ToBytes()[..3]);
        Assert.Equal([1, 2, 3], ImageView.From(file).Image.ToBytes());
        Assert.Equal("[picture 1 x 1] dot", ImageView.From(ImageView.From(file, "dot")).ToText());
    }

    [Fact]
    public void What_is_no_picture_is_refused_with_advice()
    {
        using var scope = NewDisposeScope();
        Tensor latents = zeros(4, 8, 8);
        Tensor batch = zeros(2, 3, 8, 8);

        Assert.Contains("Images.Channels", Assert.Throws<ArgumentException>(() => Images.Show(latents)).Message, StringComparison.Ordinal);
        Assert.Contains("Images.Strip", Assert.Throws<ArgumentException>(() => Images.Show(batch)).Message, StringComparison.Ordinal);
        Assert.Contains("got Int32", Assert.Throws<ArgumentException>(() => Images.Show(3)).Message, StringComparison.Ordinal);
        Assert.Contains("4 captions", Assert.Throws<ArgumentException>(() => Images.Strip(zeros(4, 3, 8, 8), ["a"])).Message, StringComparison.Ordinal);
        Assert.Contains("empty", Assert.Throws<ArgumentException>(() => Images.Strip(Array.Empty<Tensor>())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_strip_of_a_batch_shows_each_picture_over_its_caption()
    {
        using var scope = NewDisposeScope();
        Tensor batch = stack([Samples.Flat(2, 2, -1), Samples.Flat(2, 2, 1)]);

        string html = Images.Strip(batch, ["暗", "亮"]).ToHtml();

        Assert.Equal(["暗", "亮"], XElement.Parse(html).Descendants("figcaption").Select(caption => caption.Value));
        Assert.Equal([0, 255], Samples.PicturesOf(html).Select(image => (int)image.ToBytes()[0]));
    }

    [Fact]
    public void A_grid_has_its_titles_and_pictures_in_order()
    {
        using Tensor dark = Samples.Flat(2, 2, -1);
        using Tensor light = Samples.Flat(2, 2, 1);

        ImageGrid grid = Images.Grid([new[] { dark, light }, new[] { light, dark }], ["行一", "行二"], ["w = 1", "w = 2"]);
        XElement[] rows = [.. XElement.Parse(grid.ToHtml()).Descendants("tr")];

        Assert.Equal(["", "w = 1", "w = 2"], rows[0].Elements("th").Select(cell => cell.Value));
        Assert.Equal(["行一", "行二"], rows[1..].Select(row => row.Element("th")!.Value));
        Assert.Equal([0, 255, 255, 0], Samples.PicturesOf(grid.ToHtml()).Select(image => (int)image.ToBytes()[0]));
        Assert.Throws<ArgumentException>(() => Images.Grid([new[] { dark, light }], ["a", "b"]));
    }

    [Fact]
    public void An_animation_holds_every_frame_once_and_shows_eight_without_scripts()
    {
        using var scope = NewDisposeScope();
        Tensor batch = linspace(-1, 1, 21).reshape(21, 1, 1, 1).expand(21, 3, 2, 2);

        string html = Images.Animate(batch, Enumerable.Range(0, 21).Select(k => $"t = {k}")).ToHtml();
        XElement[] frames = [.. XElement.Parse($"<div>{html}</div>").Descendants("figure")];

        Assert.Equal(21, frames.Length);
        Assert.Equal(21, Samples.PicturesOf(html).Count);
        // 0, 20/7, 40/7, … rounded
        Assert.Equal([0, 3, 6, 9, 11, 14, 17, 20], frames.Where(frame => !frame.Attribute("style")!.Value.Contains("display:none", StringComparison.Ordinal)).Select(frame => (int)frame.Attribute("data-frame")!));
    }
}
