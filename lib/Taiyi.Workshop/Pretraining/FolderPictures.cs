using Taiyi.Data;
using Taiyi.Files;

namespace Taiyi.Workshop.Pretraining;

/// <summary>The pictures of a captioned folder as they are, every other one mirrored if that is wanted.</summary>
/// <remarks>Their pixels are kept in memory as float32: 48 kB a picture at 64 pixels.</remarks>
public sealed class FolderPictures : IPictureSource
{
    private readonly (string Caption, float[] Pixels, int Repeats)[] _originals;
    private readonly int[] _epoch; // numbers of the originals, each as often as it is repeated
    private readonly int _seed;
    private readonly bool _mirror;

    private FolderPictures((string Caption, float[] Pixels, int Repeats)[] originals, int size, int seed, bool mirror)
    {
        _originals = originals;
        _epoch = [.. originals.SelectMany((original, i) => Enumerable.Repeat(i, original.Repeats))];
        Size = size;
        _seed = seed;
        _mirror = mirror;
    }

    /// <inheritdoc/>
    public int Size { get; }

    /// <inheritdoc/>
    public int Count => _originals.Length;

    /// <inheritdoc/>
    public IEnumerable<string> Texts => _originals.Select(original => original.Caption);

    /// <summary>Decodes all pictures of a data set.</summary>
    /// <param name="dataset">Pictures of the size to train at.</param>
    /// <param name="seed">Another seed gives another order.</param>
    /// <param name="mirror">Whether every other picture is mirrored; not for pictures with writing.</param>
    /// <param name="cancellationToken">Ends the decoding between two pictures; so does <see cref="Interruption"/>.</param>
    /// <exception cref="ImageFileException">A picture is broken.</exception>
    public static FolderPictures Load(Text2ImageDataset dataset, int seed = 0, bool mirror = false, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        (string, float[], int)[] originals = new (string, float[], int)[dataset.Count];
        for (int i = 0; i < dataset.Count; i++)
        {
            cancellation.Token.ThrowIfCancellationRequested();
            using Text2ImageItem item = dataset.Read(i);
            originals[i] = (item.Caption, item.PixelValues.data<float>().ToArray(), dataset.Entries[i].Repeats);
        }

        return new FolderPictures(originals, dataset.Size, seed, mirror);
    }

    /// <inheritdoc/>
    public string Label(int original) => _originals[original].Caption;

    /// <inheritdoc/>
    public string Prompt(int original) => Label(original);

    /// <inheritdoc/>
    public void DrawOriginal(int original, Span<float> pixels) => _originals[original].Pixels.CopyTo(pixels);

    /// <inheritdoc/>
    public void DrawVariation(long number, Span<float> pixels)
    {
        (int original, bool mirrored) = Choose(number);
        DrawOriginal(original, pixels);
        for (int row = 0; mirrored && row < 3 * Size; row++)
        {
            pixels.Slice(row * Size, Size).Reverse();
        }
    }

    /// <inheritdoc/>
    public string Caption(long number, int wording) => _originals[Choose(number).Original].Caption;

    /// <inheritdoc/>
    public IPictureSource Where(Func<int, bool> take) => new FolderPictures([.. _originals.Where((_, i) => take(i))], Size, _seed, _mirror);

    private (int Original, bool Mirrored) Choose(long number)
    {
        Random random = Seed.Of(_seed, 0).At(number).CreateRandom();
        return (_epoch[random.Next(_epoch.Length)], _mirror && random.Next(2) == 1);
    }
}
