using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;

namespace Taiyi.Workshop.Composing;

/// <summary>Poster (海报): a print on cream paper in a few warm inks: rays and a sun behind the drawing, a frame around it, and a red seal where there is room.</summary>
public sealed class PosterComposer : IImageComposer
{
    private const float SunRadius = 190, OutOfRegister = 7;
    private static readonly SKPoint Center = new(Canvas.Middle, Canvas.Middle);
    private static readonly SKRect Panel = SKRect.Inflate(SKRect.Create(Canvas.Page, Canvas.Page), -20, -20);

    /// <inheritdoc/>
    public Style Style => Style.Poster;

    /// <inheritdoc/>
    public Image<Rgb24> Compose(Image<Rgba32> drawing, Random random, int size = Canvas.Page)
    {
        PosterInks inks = random.Pick(PosterInks.All);
        using Canvas subject = new(size), page = new(size);
        subject.DrawSubject(drawing);
        byte[] shape = subject.Opacity();
        using Image<Rgba32> printed = inks.Print(drawing);

        PosterGround.Sunburst(page, inks, Center);
        PosterGround.Sun(page, Center, SunRadius, inks.SunBehind(printed));
        PosterGround.Frame(page, inks, Panel);
        PosterSeal.DrawWhereFree(page, inks, DistanceField.Of(shape, size));
        page.Skia.Save();
        page.Skia.Translate(OutOfRegister, 0);
        page.DrawMask(shape, inks.Ink.WithAlpha(110), down: OutOfRegister); // a plate printed out of register
        page.Skia.Restore();
        page.DrawSubject(printed);
        return page.ToImage();
    }
}
