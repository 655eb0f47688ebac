namespace Taiyi.Workshop.Pretraining;

/// <summary>A stream of pictures of which a share comes from other sources: those of the styles, say, that a VAE must keep too.</summary>
/// <remarks>The originals, their labels and their words are those of the first source alone.</remarks>
/// <param name="pictures">Most of the pictures, and all originals.</param>
/// <param name="others">Where the rest comes from, of the same size, in equal parts; none for the first source alone.</param>
/// <param name="share">The rest, 0 to 1.</param>
/// <param name="seed">Another seed mixes in another order.</param>
public sealed class MixedPictures(IPictureSource pictures, IReadOnlyList<IPictureSource> others, double share, int seed = 0) : IPictureSource
{
    private const int Purpose = -1; // of the chance: sources draw with 0 and above

    /// <inheritdoc/>
    public int Size => pictures.Size;

    /// <inheritdoc/>
    public int Count => pictures.Count;

    /// <inheritdoc/>
    public IEnumerable<string> Texts => pictures.Texts.Concat(others.SelectMany(other => other.Texts));

    /// <inheritdoc/>
    public string Label(int original) => pictures.Label(original);

    /// <inheritdoc/>
    public string Prompt(int original) => pictures.Prompt(original);

    /// <inheritdoc/>
    public void DrawOriginal(int original, Span<float> pixels) => pictures.DrawOriginal(original, pixels);

    /// <inheritdoc/>
    public void DrawVariation(long number, Span<float> pixels) => Source(number).DrawVariation(number, pixels);

    /// <inheritdoc/>
    public string Caption(long number, int wording) => Source(number).Caption(number, wording);

    /// <inheritdoc/>
    public IPictureSource Where(Func<int, bool> take) => new MixedPictures(pictures.Where(take), others, share, seed);

    private IPictureSource Source(long number)
    {
        Random random = SampleRandom.For(seed, number, Purpose);
        return others.Count == 0 || random.NextDouble() >= share ? pictures : others[random.Next(others.Count)];
    }
}
