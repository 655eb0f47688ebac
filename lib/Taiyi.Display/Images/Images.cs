using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>
/// Every way to show pictures in one call. A picture is whatever <see cref="ImageView.From"/> takes (a tensor in [-1, 1], a file's
/// path or bytes, …); pictures are a batch (B, C, H, W) or an enumeration of such.
/// </summary>
public static class Images
{
    /// <summary>One picture with its caption.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="caption">Text under it.</param>
    public static ImageView Show(object image, string? caption = null) => ImageView.From(image, caption);

    /// <summary>Pictures side by side, a caption under each; they wrap where the page is narrow.</summary>
    /// <param name="images">The pictures.</param>
    /// <param name="captions">A text under each.</param>
    /// <param name="width">Pixels of the screen that each shall take, about.</param>
    /// <param name="pixelated">Every pixel is a square, see <see cref="ImageView.Pixelated"/>.</param>
    public static ImageStrip Strip(object images, IEnumerable<string>? captions = null, int width = 128, bool pixelated = false) =>
        new([.. ImageView.ListFrom(images, captions).Select(one => pixelated ? new ImageView(one.Image, one.Caption) { Pixelated = true } : one)], width);

    /// <summary>Two pictures of the same thing.</summary>
    /// <param name="before">The first.</param>
    /// <param name="after">The second.</param>
    /// <param name="captions">The texts under both.</param>
    public static ImageStrip BeforeAfter(object before, object after, (string Before, string After)? captions = null)
    {
        (string first, string second) = captions ?? ("before", "after");
        return new ImageStrip([ImageView.From(before, first), ImageView.From(after, second)], 256);
    }

    /// <summary>Rows of pictures under column titles, for example one row a prompt and one column a guidance scale.</summary>
    /// <param name="rows">One batch or enumeration of pictures a row; rows may differ in length.</param>
    /// <param name="rowTitles">A title at the left of each row.</param>
    /// <param name="columnTitles">A title above each column.</param>
    /// <param name="width">Pixels of the screen that each picture shall take, about.</param>
    public static ImageGrid Grid(
        IEnumerable<object> rows, IEnumerable<string>? rowTitles = null, IEnumerable<string>? columnTitles = null, int width = 128) =>
        new([.. rows.Select(row => ImageView.ListFrom(row))], rowTitles?.ToArray(), columnTitles?.ToArray(), width);

    /// <summary>Frames with a slider and a play button; without scripts a film strip of up to eight of them.</summary>
    /// <param name="frames">The pictures in their order.</param>
    /// <param name="captions">A text under each.</param>
    /// <param name="framesPerSecond">How fast it plays.</param>
    public static ImageAnimation Animate(object frames, IEnumerable<string>? captions = null, double framesPerSecond = 4) =>
        new(ImageView.ListFrom(frames, captions), framesPerSecond);

    /// <summary>A matrix as colours, with a colour bar.</summary>
    /// <param name="values">(H, W), any dtype.</param>
    /// <param name="caption">Text under it.</param>
    /// <param name="range">
    /// The values of the first and the last colour; null takes the smallest and the largest value, and the same distance to both sides of
    /// zero for values of both signs. Maps that are compared need one range.
    /// </param>
    /// <param name="colors">The colours; null takes <see cref="ColorMap.Diverging"/> for values of both signs, else <see cref="ColorMap.Viridis"/>.</param>
    /// <param name="width">Pixels of the screen that it shall take, about.</param>
    public static HeatMap HeatMap(Tensor values, string? caption = null, (double Low, double High)? range = null, ColorMap? colors = null, int width = 256) =>
        new(values, caption, range, colors, width);

    /// <summary>The channels of latents, one heat map each on one common scale around zero.</summary>
    /// <param name="latents">(C, H, W) or (1, C, H, W).</param>
    public static Row Channels(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor planes = latents.ndim == 4 ? latents[0] : latents; // (C, H, W)
        double largest = Math.Max(planes.detach().to(float32).abs().max().item<float>(), 1e-12f);
        return new Row([.. Enumerable.Range(0, (int)planes.shape[0])
            .Select(c => new HeatMap(planes[c], $"channel {c}", (-largest, largest), ColorMap.Diverging, 112))]);
    }

    /// <summary>Where two pictures differ: the mean over the colours of |a - b|, in levels of 0 to 255.</summary>
    /// <param name="first">A picture.</param>
    /// <param name="second">Another of the same size.</param>
    /// <param name="caption">Text under it; null tells the mean and the largest difference.</param>
    /// <exception cref="ArgumentException">The sizes differ.</exception>
    public static HeatMap Difference(object first, object second, string? caption = null)
    {
        Image<Rgb24> a = ImageView.From(first).Image;
        Image<Rgb24> b = ImageView.From(second).Image;
        if ((a.Width, a.Height) != (b.Width, b.Height))
        {
            throw new ArgumentException($"Only pictures of one size can be compared: {a.Width} x {a.Height} and {b.Width} x {b.Height}.");
        }

        float[] levels = new float[a.Width * a.Height];
        byte[] left = a.ToBytes(), right = b.ToBytes();
        for (int i = 0; i < left.Length; i++)
        {
            levels[i / 3] += Math.Abs(left[i] - right[i]) / 3f;
        }

        using Tensor values = tensor(levels, [a.Height, a.Width]); // (H, W)
        string text = caption ?? $"difference: mean {Numbers.Short(levels.Average())}, largest {Numbers.Short(levels.Max())} of 255";
        return new HeatMap(values, text, (0, Math.Max(levels.Max(), 1)), ColorMap.Inferno);
    }

    /// <summary>Heat laid over a picture in grey, for example how much each place attends to a token: what has colour is heat.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="heat">(h, w), not negative, of any size: it is enlarged to the picture's.</param>
    /// <param name="caption">Text under it.</param>
    /// <param name="brightest">The heat that is the brightest; null takes the map's own largest. Maps that are compared need one number.</param>
    /// <exception cref="ArgumentException">The heat is no matrix.</exception>
    public static ImageView Overlay(object image, Tensor heat, string? caption = null, double? brightest = null)
    {
        if (heat.ndim != 2)
        {
            throw new ArgumentException($"Heat over a picture is a matrix (h, w), got ({string.Join(", ", heat.shape)}).");
        }

        using var scope = NewDisposeScope();
        Image<Rgb24> under = ImageView.From(image).Image;
        Tensor enlarged = nn.functional.interpolate(
            heat.detach().to(float32, CPU).unsqueeze(0).unsqueeze(0), [under.Height, under.Width], mode: InterpolationMode.Bilinear, align_corners: false); // (1, 1, H, W)
        float[] strengths = enlarged.clamp_min(0).div(Math.Max(brightest ?? enlarged.max().item<float>(), 1e-12)).clamp_max(1).contiguous().data<float>().ToArray();
        return new ImageView(Blend(under, strengths), caption);
    }

    // The picture is darkened, in grey (Rec. 601 luma), and the colour of the heat added: cold places stay recognisable and hot ones glow.
    private static Image<Rgb24> Blend(Image<Rgb24> image, float[] strengths)
    {
        byte[] pixels = image.ToBytes();
        for (int i = 0; i < strengths.Length; i++)
        {
            (byte red, byte green, byte blue) = ColorMap.Inferno.At(strengths[i]);
            Span<byte> heat = [red, green, blue];
            double grey = (0.299 * pixels[3 * i]) + (0.587 * pixels[(3 * i) + 1]) + (0.114 * pixels[(3 * i) + 2]);
            for (int c = 0; c < 3; c++)
            {
                double share = 0.35 + (0.4 * strengths[i]);
                pixels[(3 * i) + c] = (byte)Math.Round(((1 - share) * grey) + (share * heat[c]));
            }
        }

        return ImageConversion.FromBytes(image.Width, image.Height, pixels);
    }
}
