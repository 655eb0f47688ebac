using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SkiaSharp;
using Taiyi.Data;

namespace Taiyi.Workshop.Composing;

/// <summary>The five inks of a poster, from paper to black.</summary>
internal sealed record PosterInks(SKColor Paper, SKColor Light, SKColor Dark, SKColor Accent, SKColor Ink)
{
    private const int Pale = 168; // mean brightness of a drawing, of 255, from which on it is lost on paper

    /// <summary>The warm palettes to choose from.</summary>
    public static IReadOnlyList<PosterInks> All { get; } =
    [
        Of("F9EDD2", "F8C85F", "F2A93F", "C93F2B", "431D19"),
        Of("FBEBD6", "F7B089", "EF8C60", "A8302C", "3D1A1B"),
        Of("F8EFDC", "EFCF93", "E4B66E", "B9532A", "3B281C"),
        Of("FCEBDC", "F39A77", "E87653", "8C2730", "36151A"),
        Of("FBF2DA", "FFD877", "FCC24C", "DB5F27", "4F2013"),
    ];

    /// <summary>The drawing as it comes out in print: half of each colour its own, half the ink of its brightness.</summary>
    public Image<Rgba32> Print(Image<Rgba32> drawing)
    {
        byte[] pixels = drawing.ToBytes();
        for (int i = 0; i < pixels.Length; i += 4)
        {
            SKColor ink = Ramp(Brightness(pixels.AsSpan(i)) / 255);
            (pixels[i], pixels[i + 1], pixels[i + 2]) = (Blend(pixels[i], ink.Red, 0.5f), Blend(pixels[i + 1], ink.Green, 0.5f), Blend(pixels[i + 2], ink.Blue, 0.5f));
        }

        return Image.LoadPixelData<Rgba32>(ImageFormats.Configuration, pixels, drawing.Width, drawing.Height);
    }

    /// <summary>The sun that a printed drawing stands out from: deep with a pale ring behind a pale drawing, the reverse behind any other.</summary>
    public (SKColor Disc, SKColor Ring) SunBehind(Image<Rgba32> printed)
    {
        byte[] pixels = printed.ToBytes();
        double brightness = 0, opacity = 0;
        for (int i = 0; i < pixels.Length; i += 4)
        {
            brightness += Brightness(pixels.AsSpan(i)) * pixels[i + 3];
            opacity += pixels[i + 3];
        }

        return brightness > Pale * opacity ? (Accent, Paper) : (Paper, Accent);
    }

    // Rec. 601 luma, 0 to 255.
    private static float Brightness(ReadOnlySpan<byte> rgb) => (0.299f * rgb[0]) + (0.587f * rgb[1]) + (0.114f * rgb[2]);

    private SKColor Ramp(float brightness)
    {
        SKColor[] stops = [Ink, Accent, Dark, Light, Paper];
        float position = brightness * (stops.Length - 1);
        int below = Math.Min((int)position, stops.Length - 2);
        float part = position - below;
        return new SKColor(
            Blend(stops[below].Red, stops[below + 1].Red, part),
            Blend(stops[below].Green, stops[below + 1].Green, part),
            Blend(stops[below].Blue, stops[below + 1].Blue, part));
    }

    private static byte Blend(byte from, byte to, float part) => (byte)MathF.Round(from + ((to - from) * part));

    private static PosterInks Of(string paper, string light, string dark, string accent, string ink) =>
        new(SKColor.Parse(paper), SKColor.Parse(light), SKColor.Parse(dark), SKColor.Parse(accent), SKColor.Parse(ink));
}
