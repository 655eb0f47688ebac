using SkiaSharp;
using Taiyi.Data;

namespace Taiyi.Workshop.Composing;

/// <summary>
/// Emoji pack (表情包): a die-cut sticker with white outline and soft shadow on a flat pastel ground, a short bold phrase at the bottom.
/// </summary>
public sealed class EmojiPackComposer : IPictureComposer
{
    private const int Size = 512;
    private const int Outline = 18;

    // A flat ground, and the deeper tone of it for letters and shadow.
    private static readonly (SKColor Ground, SKColor Ink)[] Palettes =
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

    private readonly Lettering _lettering;

    /// <summary>Makes a composer.</summary>
    /// <param name="art">The drawings; the composer closes them.</param>
    /// <param name="fontPath">The font of the phrases: <c>data/fonts/zcool-kuaile-subset.ttf</c>.</param>
    /// <exception cref="DatasetException">The font can't be read.</exception>
    public EmojiPackComposer(ArtArchive art, string fontPath)
    {
        Art = art;
        _lettering = new Lettering(fontPath);
    }

    /// <inheritdoc/>
    public string Name => "emoji";

    /// <inheritdoc/>
    public string StyleWords => "表情包风格";

    /// <inheritdoc/>
    public ArtArchive Art { get; }

    /// <inheritdoc/>
    public ComposedPicture Compose(ArtSubject subject, int seed)
    {
        Random random = SubjectRandom.For(Name, subject, seed);
        (SKColor ground, SKColor ink) = random.Pick(Palettes);
        string phrase = StickerPhrases.For(subject, random);
        using Cutout cutout = Cutout.Decode(Art.ReadBytes(subject), subject.File);
        using Canvas canvas = new(Size, Size);

        canvas.Skia.Clear(ground);
        DrawSticker(canvas.Skia, cutout, ink, random);
        StickerAccents.Draw(canvas.Skia, ink, random);
        DrawPhrase(canvas.Skia, phrase, ink, random);
        return new ComposedPicture(canvas.ToImage(), $"{subject.CountedLabel}，{StyleWords}", phrase);
    }

    /// <summary>Closes the drawings and the font.</summary>
    public void Dispose()
    {
        _lettering.Dispose();
        Art.Dispose();
    }

    private static void DrawSticker(SKCanvas canvas, Cutout cutout, SKColor ink, Random random)
    {
        SKRect place = cutout.PlaceAt(256, 208, 312);
        SKSizeI size = new((int)place.Width, (int)place.Height);
        using Cutout sticker = cutout.Widen(size, Outline);
        SKRect cut = SKRect.Inflate(place, Outline, Outline);
        SKRect below = cut;
        below.Offset(0, 12);

        canvas.Save();
        canvas.RotateDegrees(random.Between(-7, 7), place.MidX, place.MidY);
        sticker.DrawSilhouette(canvas, below, ink.WithAlpha(95), blur: 9);
        sticker.DrawSilhouette(canvas, cut, SKColors.White);
        cutout.Draw(canvas, place);
        canvas.Restore();
    }

    private void DrawPhrase(SKCanvas canvas, string phrase, SKColor ink, Random random)
    {
        using SKPath path = _lettering.Line(phrase, 420, 116, 0.03f);
        canvas.Save();
        canvas.Translate(256, 432);
        canvas.RotateDegrees(random.Between(-3.5f, 3.5f));
        using (SKPaint shadow = new()
        {
            Color = ink.WithAlpha(80),
            IsAntialias = true,
            Style = SKPaintStyle.StrokeAndFill,
            StrokeWidth = 30,
            StrokeJoin = SKStrokeJoin.Round,
            ImageFilter = SKImageFilter.CreateBlur(6, 6),
        })
        {
            canvas.Translate(0, 7);
            canvas.DrawPath(path, shadow);
            canvas.Translate(0, -7);
        }

        StickerAccents.Paint(canvas, path, SKColors.White, SKPaintStyle.StrokeAndFill, 30);
        StickerAccents.Paint(canvas, path, ink, SKPaintStyle.StrokeAndFill, 3.5f); // the font has one weight: this makes it bold
        canvas.Restore();
    }
}
