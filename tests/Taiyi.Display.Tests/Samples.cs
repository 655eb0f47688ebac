using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using static TorchSharp.torch;

namespace Taiyi.Display.Tests;

/// <summary>Pictures whose every pixel is known.</summary>
internal static class Samples
{
    /// <summary>A ramp (3, H, W) in [-1, 1]: red grows to the right, green downwards, blue is constant at -1.</summary>
    public static Tensor Ramp(int height, int width)
    {
        using var scope = NewDisposeScope();
        Tensor red = linspace(-1, 1, width).expand(height, width);
        Tensor green = linspace(-1, 1, height).unsqueeze(1).expand(height, width);
        return stack([red, green, full(height, width, -1f)]).MoveToOuterDisposeScope(); // (3, H, W)
    }

    /// <summary>One colour (3, H, W).</summary>
    public static Tensor Flat(int height, int width, float value) => full(3, height, width, value);

    /// <summary>The pixels of every PNG in a piece of HTML, in their order.</summary>
    public static IReadOnlyList<Image<Rgb24>> PicturesOf(string html) =>
        [.. DataUri.Matches(html).Select(match => ImageFile.Decode(Convert.FromBase64String(match.Groups[1].Value), "data URI"))];

    private static readonly System.Text.RegularExpressions.Regex DataUri = new("src=\"data:image/png;base64,([A-Za-z0-9+/=]+)\"");
}
