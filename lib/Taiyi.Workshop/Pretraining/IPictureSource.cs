namespace Taiyi.Workshop.Pretraining;

/// <summary>
/// Where pretraining takes its pictures and captions from: an endless, numbered stream of variations of some originals. A
/// number gives the same picture in every run, so a resumed training goes on with the same data. Several threads may draw at once.
/// </summary>
public interface IPictureSource
{
    /// <summary>Width and height of every picture in pixels.</summary>
    int Size { get; }

    /// <summary>Number of originals.</summary>
    int Count { get; }

    /// <summary>Everything that captions can be made of, for the vocabulary.</summary>
    IEnumerable<string> Texts { get; }

    /// <summary>What an original shows, in the words of a prompt: 狮子.</summary>
    /// <param name="original">0 to <see cref="Count"/> - 1.</param>
    string Label(int original);

    /// <summary>The full prompt for an original as it is, its style and ground named: 狮子，卡通风格，白色背景.</summary>
    /// <param name="original">0 to <see cref="Count"/> - 1.</param>
    string Prompt(int original);

    /// <summary>Draws an original as it is.</summary>
    /// <param name="original">0 to <see cref="Count"/> - 1.</param>
    /// <param name="pixels">Filled with (3, size, size) values in [-1, 1].</param>
    void DrawOriginal(int original, Span<float> pixels);

    /// <summary>Draws a picture of the stream.</summary>
    /// <param name="number">0 or more; another seed of the source gives another stream.</param>
    /// <param name="pixels">Filled with (3, size, size) values in [-1, 1].</param>
    void DrawVariation(long number, Span<float> pixels);

    /// <summary>What a picture of the stream shows.</summary>
    /// <param name="number">0 or more.</param>
    /// <param name="wording">Another one may give other words for the same picture.</param>
    string Caption(long number, int wording);

    /// <summary>The same source with some of its originals only.</summary>
    /// <param name="take">Given the index of an original, whether it stays.</param>
    IPictureSource Where(Func<int, bool> take);
}
