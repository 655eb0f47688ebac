using System.Collections;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Display.Formatting;
using static TorchSharp.torch;

namespace Taiyi.Display;

/// <summary>One picture, shown with its caption under it. The file keeps the true size; a small one is enlarged for reading.</summary>
[TypeFormatterSource(typeof(ImageFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class ImageView : View
{
    private const int ReadableWidth = 256;

    // Up to this width a picture is a matter of its pixels; from the next on of what it shows.
    private const int FewPixels = 32;
    private const int LargestScaled = 256;
    private readonly Lazy<byte[]> _png;
    private readonly Lazy<(string Kind, byte[] Bytes)> _page;

    /// <summary>A picture of decoded pixels.</summary>
    /// <param name="image">The pixels; they are not copied.</param>
    /// <param name="caption">Text under the picture, in any language.</param>
    public ImageView(Image<Rgb24> image, string? caption = null)
    {
        Image = image;
        Caption = caption;
        _png = new Lazy<byte[]>(() => ImageFile.EncodePng(image));
        _page = new Lazy<(string, byte[])>(() => PageEncoding.Of(image, Png.ToArray(), exact: Pixelated || image.Width <= FewPixels));
    }

    /// <summary>The pixels.</summary>
    public Image<Rgb24> Image { get; }

    /// <summary>The text under the picture, or null.</summary>
    public string? Caption { get; }

    /// <summary>
    /// Enlarged by the nearest neighbour, so that every pixel is a square: for noise, latents and whatever is looked at number by number.
    /// Drawings are scaled smoothly. Pictures of up to 32 pixels are shown so in any case.
    /// </summary>
    public bool Pixelated { get; init; }

    /// <summary>The bytes of a PNG file in the picture's true size.</summary>
    public ReadOnlyMemory<byte> Png => _png.Value;

    /// <summary>Makes a picture of whatever holds one.</summary>
    /// <param name="source">
    /// A tensor (3, H, W), (1, H, W), (H, W) or (1, C, H, W), floating in [-1, 1] (values beyond are clipped) or bytes 0 to 255;
    /// an ImageSharp <see cref="Image{Rgb24}"/>; the bytes or the path of a PNG, JPEG, WebP or BMP file; or a picture.
    /// </param>
    /// <param name="caption">Text under the picture; null keeps that of a picture given.</param>
    /// <exception cref="ArgumentException">Something else.</exception>
    /// <exception cref="ImageFileException">The file is no picture.</exception>
    public static ImageView From(object source, string? caption = null) => source switch
    {
        ImageView view => caption is null ? view : new ImageView(view.Image, caption) { Pixelated = view.Pixelated },
        Tensor tensor => new ImageView(ToImage(tensor), caption),
        Image<Rgb24> image => new ImageView(image, caption),
        byte[] file => new ImageView(ImageFile.Decode(file, "the array of bytes"), caption),
        string path => new ImageView(ImageFile.Read(path), caption ?? Path.GetFileName(path)),
        _ => throw new ArgumentException(
            $"A picture is made of a tensor, an Image<Rgb24>, the bytes or the path of a picture file; got {source.GetType().Name}."),
    };

    /// <summary>Makes pictures of whatever holds several.</summary>
    /// <param name="source">A tensor (B, C, H, W), or an enumeration of what <see cref="From"/> takes; one alone makes a list of one.</param>
    /// <param name="captions">A text under each, or null.</param>
    /// <exception cref="ArgumentException">There are no pictures, or another number of captions.</exception>
    public static IReadOnlyList<ImageView> ListFrom(object source, IEnumerable<string>? captions = null)
    {
        List<ImageView> pictures = source switch
        {
            Tensor { ndim: 4 } batch => [.. Enumerable.Range(0, (int)batch.shape[0]).Select(i => FromBatch(batch, i))],
            Tensor or string or byte[] => [From(source)],
            IEnumerable several => [.. several.Cast<object>().Select(one => From(one))],
            _ => [From(source)],
        };
        string[]? texts = captions?.ToArray();
        if (pictures.Count == 0 || (texts != null && texts.Length != pictures.Count))
        {
            throw new ArgumentException(
                pictures.Count == 0 ? "There is no picture to show: the list is empty." : $"{pictures.Count} pictures need {pictures.Count} captions, got {texts!.Length}.");
        }

        return texts is null ? pictures : [.. pictures.Select((picture, i) => From(picture, texts[i]))];
    }

    /// <inheritdoc/>
    public override string ToHtml() => ToFigure(ReadableWidth);

    /// <inheritdoc/>
    public override string ToText() => $"[picture {Image.Width} x {Image.Height}]{(Caption is null ? "" : " " + Caption)}";

    /// <summary>The picture as an HTML figure of about the given width.</summary>
    internal string ToFigure(int width, string attributes = "", string style = "")
    {
        string caption = Caption is null ? "" :
            $"<figcaption style=\"{Html.Small};text-align:center;max-width:{Math.Max(ShownWidth(width), 72)}px;margin:2px auto 0\">{Html.Escape(Caption)}</figcaption>";
        return $"<figure {attributes}style=\"display:inline-block;vertical-align:top;margin:0 10px 10px 0;{style}\">{ToImage(width)}{caption}</figure>";
    }

    /// <summary>The picture as an HTML image without its caption.</summary>
    internal string ToImage(int width)
    {
        int shown = ShownWidth(width);
        string scaling = Squares ? "image-rendering:pixelated;" : "";
        string size = shown != Image.Width // front ends set their own sizes on pictures
            ? $"{scaling}width:{shown}px;height:{ShownHeight(width)}px;max-width:none"
            : "max-width:100%;height:auto";
        return $"<img src=\"data:image/{_page.Value.Kind};base64,{Convert.ToBase64String(_page.Value.Bytes)}\" width=\"{shown}\" height=\"{ShownHeight(width)}\" " +
            $"alt=\"{Html.Escape(Caption ?? ToText())}\" style=\"{size};display:block;margin:0 auto\"/>";
    }

    /// <summary>The height on the screen of a picture that is shown at about the given width.</summary>
    internal int ShownHeight(int width) => (int)Math.Round((double)ShownWidth(width) * Image.Height / Image.Width);

    private bool Squares => Pixelated || Image.Width <= FewPixels;

    // Squares: whole multiples only, so that all pixels are shown equally large. A drawing takes the width that is asked for.
    private int ShownWidth(int width) => Squares || Image.Width > LargestScaled
        ? Image.Width * Math.Max(1, (int)Math.Round((double)width / Image.Width))
        : width;

    private static ImageView FromBatch(Tensor batch, int index)
    {
        using Tensor one = batch[index]; // (C, H, W)
        return From(one);
    }

    private static Image<Rgb24> ToImage(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Tensor values = tensor.detach();
        values = values.is_floating_point() ? values : values.to(float32).div(127.5).sub(1);
        values = values.ndim switch { 2 => values.unsqueeze(0), 4 when values.shape[0] == 1 => values[0], _ => values }; // (C, H, W)
        if (values.ndim != 3 || values.shape[0] is not (1 or 3))
        {
            string advice = values.ndim == 4 ? "show a batch by Images.Strip." : "show the channels of latents by Images.Channels, one plane by Images.HeatMap.";
            throw new ArgumentException($"A picture has the shape (3, H, W) or (1, H, W), got ({string.Join(", ", tensor.shape)}): {advice}");
        }

        return values.expand(3, -1, -1).ToImage();
    }
}
