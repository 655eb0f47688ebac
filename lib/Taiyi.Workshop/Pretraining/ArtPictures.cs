using System.Numerics;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Files;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Pictures composed from the drawings of an art archive, with other grounds, frames, outlines, sizes and colours every time.</summary>
public sealed class ArtPictures : IPictureSource
{
    private readonly (ArtSubject Subject, ArtSprite Sprite)[] _originals;
    private readonly int _seed;

    private ArtPictures((ArtSubject, ArtSprite)[] originals, int size, int seed)
    {
        _originals = originals;
        Size = size;
        _seed = seed;
    }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public int Count => _originals.Length;

    /// <inheritdoc/>
    public IEnumerable<string> Texts => CaptionComposer.Texts(_originals.Select(original => original.Subject));

    /// <summary>Decodes all drawings of an archive into memory: 64 kB each at 64 pixels and above.</summary>
    /// <param name="archive">The drawings; not needed any more afterwards.</param>
    /// <param name="size">Width and height of the pictures in pixels.</param>
    /// <param name="seed">Another seed gives another stream of variations.</param>
    /// <param name="take">Which subjects are taken; all if null.</param>
    /// <param name="cancellationToken">Ends the decoding between two drawings; so does <see cref="Interruption"/>.</param>
    /// <exception cref="DatasetException">No drawing is left.</exception>
    public static ArtPictures Load(
        ArtArchive archive, int size = 64, int seed = 0, Func<ArtSubject, bool>? take = null, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        List<(ArtSubject, ArtSprite)> originals = [];
        foreach (ArtSubject subject in archive.Subjects.Where(subject => take?.Invoke(subject) ?? true))
        {
            cancellation.Token.ThrowIfCancellationRequested();
            using Image<Rgba32> drawing = archive.Read(subject);
            originals.Add((subject, new ArtSprite(drawing, Math.Min(drawing.Width, 2 * size)))); // as it is, or twice as large as it will be drawn
        }

        return originals.Count > 0
            ? new ArtPictures([.. originals], size, seed)
            : throw new DatasetException("No drawing of the art archive is left: choose among its sets (fluent, noto, twemoji) and groups.");
    }

    /// <inheritdoc/>
    public string Label(int original) => _originals[original].Subject.Label;

    /// <inheritdoc/>
    public string Prompt(int original) => CaptionComposer.OfOriginal(_originals[original].Subject);

    /// <inheritdoc/>
    public void DrawOriginal(int original, Span<float> pixels) =>
        Draw(original, PictureVariation.Original, pixels);

    /// <inheritdoc/>
    public void DrawVariation(long number, Span<float> pixels)
    {
        (int original, PictureVariation variation) = Choose(number);
        Draw(original, variation, pixels);
    }

    /// <inheritdoc/>
    public string Caption(long number, int wording)
    {
        (int original, PictureVariation variation) = Choose(number);
        (ArtSubject subject, ArtSprite sprite) = _originals[original];
        return CaptionComposer.Compose(subject, variation, sprite.DominantColour(variation.HueTurn), SampleRandom.For(_seed, number, wording + 1));
    }

    /// <inheritdoc/>
    public IPictureSource Where(Func<int, bool> take) => new ArtPictures([.. _originals.Where((_, i) => take(i))], Size, _seed);

    private (int Original, PictureVariation Variation) Choose(long number)
    {
        Random random = SampleRandom.For(_seed, number, 0);
        int original = random.Next(Count);
        ArtSubject subject = _originals[original].Subject;
        return (original, PictureVariation.Draw(random, SubjectWords.IsMirrorable(subject), !SubjectWords.SaysColour(subject.Label)));
    }

    private void Draw(int original, PictureVariation variation, Span<float> pixels)
    {
        Vector4[] canvas = new Vector4[Size * Size], drawing = new Vector4[canvas.Length];
        variation.Ground.Fill(canvas, Size);
        variation.Frame?.Draw(canvas, Size);
        _originals[original].Sprite.Draw(drawing, Size, variation.Placement, variation.Mirrored, variation.HueTurn);
        if (variation.Outline > 0)
        {
            PictureOutline.Draw(canvas, drawing, Size, variation.Outline * Size);
        }

        for (int i = 0; i < canvas.Length; i++)
        {
            Vector4 pixel = drawing[i] + (canvas[i] * (1 - drawing[i].W));
            pixel = Vector4.Clamp(pixel, Vector4.Zero, Vector4.One) * 2 - Vector4.One;
            (pixels[i], pixels[i + canvas.Length], pixels[i + (2 * canvas.Length)]) = (pixel.X, pixel.Y, pixel.Z);
        }
    }
}
