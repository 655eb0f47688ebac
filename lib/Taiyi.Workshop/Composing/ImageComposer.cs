namespace Taiyi.Workshop.Composing;

/// <summary>The composers by their style's name.</summary>
public static class ImageComposer
{
    /// <summary>The names of the styles: emoji (表情包) and poster (海报).</summary>
    public static IReadOnlyList<string> Names { get; } = [Style.Emoji.Name, Style.Poster.Name];

    /// <summary>The composer of a style.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no such style.</exception>
    public static IImageComposer Of(string name) => name switch
    {
        _ when name == Style.Emoji.Name => new StickerComposer(),
        _ when name == Style.Poster.Name => new PosterComposer(),
        _ => throw new ArgumentException($"There is no style '{name}': the styles are {string.Join(", ", Names)}."),
    };
}
