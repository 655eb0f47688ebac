using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;

namespace Taiyi.Workshop.Composing;

/// <summary>Emoji pack (表情包): the drawing as a die-cut sticker with thick white outline and soft shadow, on a flat pastel ground, a few accents where it leaves room.</summary>
public sealed class StickerComposer : IImageComposer
{
    private const float Outline = 16, ShadowDown = 9, ShadowBlur = 7;

    // A flat ground, and the deeper tone of it for the shadow.
    private static readonly (SKColor Ground, SKColor Shadow)[] Palettes =
    [
        (SKColor.Parse("FFD3DF"), SKColor.Parse("C92C62")),
        (SKColor.Parse("FFE6A8"), SKColor.Parse("A85A00")),
        (SKColor.Parse("C6EEDB"), SKColor.Parse("15795A")),
        (SKColor.Parse("C6E2FB"), SKColor.Parse("22589F")),
        (SKColor.Parse("DFD4F8"), SKColor.Parse("6440A8")),
        (SKColor.Parse("FFD7C0"), SKColor.Parse("B8442A")),
        (SKColor.Parse("D9F0BC"), SKColor.Parse("4B7A14")),
        (SKColor.Parse("CDEFF2"), SKColor.Parse("14707E")),
    ];

    /// <inheritdoc/>
    public Style Style => Style.Emoji;

    /// <inheritdoc/>
    public Image<Rgb24> Compose(Image<Rgba32> drawing, Random random, int size = Canvas.Page)
    {
        using Canvas subject = new(size), page = new(size);
        subject.DrawSubject(drawing);
        DistanceField distances = DistanceField.Of(subject.Opacity(), size);
        byte[] cut = distances.Widen(Outline * size / Canvas.Page);

        (SKColor ground, SKColor shadow) = random.Pick(Palettes);
        page.Skia.Clear(ground);
        StickerAccents.Draw(page, distances, Outline, random);
        page.DrawMask(cut, shadow.WithAlpha(110), ShadowDown, ShadowBlur);
        page.DrawMask(cut, SKColors.White);
        page.DrawSubject(drawing);
        return page.ToImage();
    }
}
