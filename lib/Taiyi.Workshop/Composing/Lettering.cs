using SkiaSharp;
using Taiyi.Data;

namespace Taiyi.Workshop.Composing;

/// <summary>Chinese words drawn as outlines of one font file, so that no installed font matters.</summary>
internal sealed class Lettering : IDisposable
{
    private readonly SKTypeface _typeface;
    private readonly string _path;

    /// <summary>Loads a TrueType or OpenType file.</summary>
    /// <exception cref="DatasetException">There is no such file, or it is no font.</exception>
    public Lettering(string path)
    {
        _path = path;
        _typeface = (File.Exists(path) ? SKTypeface.FromFile(path) : null)
            ?? throw new DatasetException($"'{path}' is no font file: the composers need the fonts of data/fonts.");
    }

    /// <summary>Words on one line whose middle is at (0, 0), as large as fits.</summary>
    /// <param name="words">What it says.</param>
    /// <param name="maxWidth">Width that it must not exceed.</param>
    /// <param name="maxSize">Font size that it must not exceed, in pixels.</param>
    /// <param name="spacing">Extra space between letters, as a part of the font size.</param>
    public SKPath Line(string words, float maxWidth, float maxSize, float spacing = 0)
    {
        SKPath path = Letters(words, (spacing + 1) * maxSize, 0, maxSize);
        SKRect bounds = path.TightBounds;
        float scale = Math.Min(1, maxWidth / bounds.Width);
        path.Transform(SKMatrix.CreateTranslation(-bounds.MidX, -bounds.MidY).PostConcat(SKMatrix.CreateScale(scale, scale)));
        return path;
    }

    /// <summary>Words one below the other, as on a scroll; the middle is at (0, 0).</summary>
    public SKPath Column(string words, float maxHeight, float maxSize, float spacing = 0.08f)
    {
        SKPath path = Letters(words, 0, (spacing + 1) * maxSize, maxSize);
        SKRect bounds = path.TightBounds;
        float scale = Math.Min(1, maxHeight / bounds.Height);
        path.Transform(SKMatrix.CreateTranslation(-bounds.MidX, -bounds.MidY).PostConcat(SKMatrix.CreateScale(scale, scale)));
        return path;
    }

    /// <summary>Frees the font.</summary>
    public void Dispose() => _typeface.Dispose();

    // Letters stepping right (by their own width, plus spacing) or down.
    private SKPath Letters(string words, float across, float down, float size)
    {
        using SKFont font = new(_typeface, size);
        if (!font.ContainsGlyphs(words))
        {
            string missing = string.Concat(words.Where(letter => !font.ContainsGlyphs(letter.ToString())));
            throw new DatasetException($"The font '{_path}' has no letters '{missing}': add them to its subset (see data/fonts/README.md).");
        }

        using SKPathBuilder path = new();
        float x = 0;
        for (int i = 0; i < words.Length; i++)
        {
            string letter = words[i].ToString();
            using SKPath outline = font.GetTextPath(letter, new SKPoint(0, 0));
            float width = font.MeasureText(letter);
            path.AddPath(outline, across > 0 ? x : -width / 2, i * down);
            x += width + across - size;
        }

        return path.Detach();
    }
}
