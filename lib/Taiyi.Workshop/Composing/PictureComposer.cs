using Taiyi.Data;
namespace Taiyi.Workshop.Composing;

/// <summary>Opens the composers with the drawings and fonts of this repository.</summary>
public static class PictureComposer
{
    /// <summary>The names of the styles: emoji (表情包) and poster (海报).</summary>
    public static IReadOnlyList<string> Names { get; } = ["emoji", "poster"];

    /// <summary>Opens the composer of a style.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="dataFolder">The folder that holds <c>art</c> and <c>fonts</c>: <c>data</c> in this repository.</param>
    /// <exception cref="ArgumentException">There is no such style.</exception>
    /// <exception cref="DatasetException">A drawing archive or font is missing.</exception>
    public static IPictureComposer Open(string name, string dataFolder)
    {
        string FontFile(string file) => Path.Combine(dataFolder, "fonts", file);
        ArtArchive Art() => ArtArchive.Open(Path.Combine(dataFolder, "art", "subjects-512.zip"));
        return name switch
        {
            "emoji" => new EmojiPackComposer(Art(), FontFile("zcool-kuaile-subset.ttf")),
            "poster" => new PosterComposer(Art(), FontFile("zcool-qingke-huangyou-subset.ttf")),
            _ => throw new ArgumentException($"There is no style '{name}': the styles are {string.Join(", ", Names)}.", nameof(name)),
        };
    }
}
