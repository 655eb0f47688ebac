using SkiaSharp;
using Taiyi.Data;

namespace Taiyi.Workshop.Composing;

/// <summary>
/// Poster (海报): a print on cream paper in a few warm inks: framed panel with sunburst or gradient, the subject large, title and subtitle.
/// </summary>
public sealed class PosterComposer : IPictureComposer
{
    private const int Size = 512;
    private static readonly SKRect Panel = new(26, 26, 486, 486);

    private readonly Lettering _lettering;

    /// <summary>Makes a composer.</summary>
    /// <param name="art">The drawings; the composer closes them.</param>
    /// <param name="fontPath">The font of the titles: <c>data/fonts/zcool-qingke-huangyou-subset.ttf</c>.</param>
    /// <exception cref="DatasetException">The font can't be read.</exception>
    public PosterComposer(ArtArchive art, string fontPath)
    {
        Art = art;
        _lettering = new Lettering(fontPath);
    }

    /// <inheritdoc/>
    public string Name => "poster";

    /// <inheritdoc/>
    public string StyleWords => "海报风格";

    /// <inheritdoc/>
    public ArtArchive Art { get; }

    /// <inheritdoc/>
    public ComposedPicture Compose(ArtSubject subject, int seed)
    {
        Random random = SubjectRandom.For(Name, subject, seed);
        PosterInks inks = random.Pick(PosterInks.All);
        string subtitle = PosterWords.SubtitleFor(subject, random);
        using Cutout drawing = Cutout.Decode(Art.ReadBytes(subject), subject.File);
        using Cutout printed = drawing.Recolour(inks.Print);
        using Canvas canvas = new(Size, Size);

        canvas.Skia.Clear(inks.Paper);
        canvas.Skia.Save();
        canvas.Skia.ClipRect(Panel);
        Action<SKCanvas, PosterInks, Cutout, string, string> layout = random.Pick([DrawBand, DrawSun, DrawScroll]);
        layout(canvas.Skia, inks, printed, subject.Label, subtitle);
        canvas.Skia.Restore();
        DrawFrame(canvas.Skia, inks);
        return new ComposedPicture(canvas.ToImage(), $"{subject.CountedLabel}，{StyleWords}", $"{subject.Label} {subtitle}");
    }

    /// <summary>Closes the drawings and the font.</summary>
    public void Dispose()
    {
        _lettering.Dispose();
        Art.Dispose();
    }

    // Sunburst, the title on a dark band below.
    private void DrawBand(SKCanvas canvas, PosterInks inks, Cutout printed, string title, string subtitle)
    {
        PosterGround.Sunburst(canvas, inks, new SKPoint(256, 212), rays: 22);
        PosterGround.Disc(canvas, inks.Paper, new SKPoint(256, 208), 158);
        DrawSubject(canvas, inks, printed, 256, 208, 292);
        PosterGround.Fill(canvas, inks.Accent, new SKRect(26, 384, 486, 486));
        PosterGround.Fill(canvas, inks.Paper, new SKRect(26, 378, 486, 384));
        DrawLine(canvas, title, 256, 417, 400, 56, inks.Paper, 0.12f);
        DrawLine(canvas, subtitle, 256, 463, 380, 17, inks.Light, 0.5f);
    }

    // Gradient sky with a sun, the title above.
    private void DrawSun(SKCanvas canvas, PosterInks inks, Cutout printed, string title, string subtitle)
    {
        PosterGround.Gradient(canvas, inks.Light, inks.Dark, Panel);
        PosterGround.Disc(canvas, inks.Accent, new SKPoint(256, 318), 150);
        PosterGround.Stripes(canvas, inks.Dark, new SKRect(100, 400, 412, 470));
        DrawSubject(canvas, inks, printed, 256, 306, 296);
        DrawLine(canvas, title, 256, 84, 400, 70, inks.Ink, 0.12f);
        DrawLine(canvas, subtitle, 256, 136, 380, 18, inks.Accent, 0.5f);
    }

    // Sunburst from the corner, the title down a scroll at the right.
    private void DrawScroll(SKCanvas canvas, PosterInks inks, Cutout printed, string title, string subtitle)
    {
        PosterGround.Sunburst(canvas, inks, new SKPoint(200, 470), rays: 30);
        PosterGround.Disc(canvas, inks.Paper, new SKPoint(204, 250), 150);
        DrawSubject(canvas, inks, printed, 204, 250, 292);
        PosterGround.Fill(canvas, inks.Accent, new SKRect(392, 26, 486, 486));
        PosterGround.Fill(canvas, inks.Paper, new SKRect(386, 26, 392, 486));
        using (SKPath path = _lettering.Column(title, 360, 74))
        {
            path.Transform(SKMatrix.CreateTranslation(439, 236));
            PosterGround.Fill(canvas, inks.Paper, path);
        }

        DrawLine(canvas, subtitle, 204, 452, 300, 18, inks.Ink, 0.5f);
    }

    private static void DrawSubject(SKCanvas canvas, PosterInks inks, Cutout printed, float x, float y, float size)
    {
        SKRect place = printed.PlaceAt(x, y, size);
        SKRect shifted = place;
        shifted.Offset(9, 9); // a plate printed out of register
        printed.DrawSilhouette(canvas, shifted, inks.Ink.WithAlpha(110));
        printed.Draw(canvas, place);
    }

    private void DrawLine(SKCanvas canvas, string words, float x, float y, float maxWidth, float maxSize, SKColor color, float spacing)
    {
        using SKPath path = _lettering.Line(words, maxWidth, maxSize, spacing);
        path.Transform(SKMatrix.CreateTranslation(x, y));
        PosterGround.Fill(canvas, color, path);
    }

    private static void DrawFrame(SKCanvas canvas, PosterInks inks)
    {
        using SKPaint line = new() { Color = inks.Ink, IsAntialias = true, Style = SKPaintStyle.Stroke, StrokeWidth = 5 };
        canvas.DrawRect(Panel, line);
        line.StrokeWidth = 2;
        SKRect outer = Panel;
        outer.Inflate(11, 11);
        canvas.DrawRect(outer, line);
    }
}
