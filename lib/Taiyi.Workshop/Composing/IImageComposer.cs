using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Workshop.Composing;

/// <summary>
/// Makes pictures of one style out of drawings. The drawing stays where and as large as the base model draws it: only what surrounds
/// it, and a poster's palette, changes. A style that also moves or shrinks its subject asks the LoRA for more than style.
/// </summary>
public interface IImageComposer
{
    /// <summary>The style's name and words.</summary>
    Style Style { get; }

    /// <summary>Makes the picture of a drawing, at any size.</summary>
    /// <param name="drawing">A square drawing with transparency, as <see cref="ArtArchive.Read"/> gives it; it comes to lie in the middle, nine tenths of its picture.</param>
    /// <param name="random">Chooses colours and accents: the same state gives the same pixels.</param>
    /// <param name="size">Width and height of the picture in pixels, 16 or more; the shipped sets have 512.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is below 16.</exception>
    Image<Rgb24> Compose(Image<Rgba32> drawing, Random random, int size = 512);
}
