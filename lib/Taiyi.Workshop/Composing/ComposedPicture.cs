using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;

namespace Taiyi.Workshop.Composing;

/// <summary>A picture of a training set.</summary>
/// <param name="Picture">512 x 512 pixels.</param>
/// <param name="Caption">What it shows, in the words of a prompt: 一只狮子，表情包风格.</param>
/// <param name="Words">The words that are drawn in it.</param>
public sealed record ComposedPicture(Image<Rgb24> Picture, string Caption, string Words);

/// <summary>Makes pictures of one style out of drawings: the emoji pack or the poster.</summary>
public interface IPictureComposer : IDisposable
{
    /// <summary>The style's short name, which is also the name of its folder in <c>data</c>: emoji or poster.</summary>
    string Name { get; }

    /// <summary>The words that a caption ends with.</summary>
    string StyleWords { get; }

    /// <summary>The drawings to choose from.</summary>
    ArtArchive Art { get; }

    /// <summary>Makes the picture of a subject; the same subject and seed give the same pixels.</summary>
    ComposedPicture Compose(ArtSubject subject, int seed);
}
