using System.Numerics;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>What lies behind the subject of a training picture.</summary>
internal enum GroundKind
{
    Plain,
    Gradient,
    Sunburst,
    Disc,
}

/// <summary>A ground and its colours: the first one above or alone, the second one below, in every other ray or in the disc.</summary>
internal sealed record PictureGround(GroundKind Kind, Colour First, Colour Second)
{
    private const float DiscRadius = 0.4f; // of the picture's side

    /// <summary>White paper, as the drawings have it.</summary>
    public static PictureGround White { get; } = new(GroundKind.Plain, Colour.White, Colour.White);

    // Hues in the middle of what Colour.Name calls by one word.
    private static readonly (float From, float To)[] Hues = [(-6, 6), (24, 36), (48, 60), (90, 145), (170, 186), (205, 240), (262, 288), (312, 338)];

    /// <summary>A ground by chance: plain in pale and strong colours, dark, a gradient, or rays.</summary>
    public static PictureGround Draw(Random random)
    {
        double kind = random.NextDouble();
        if (kind < 0.06)
        {
            return Plain(new Colour(random.Between(0, 360), random.Between(0, 0.1f), random.Pick([0.1f, 0.5f, 0.8f])));
        }

        Colour first = random.NextDouble() < 0.5 ? Pale(random) : Strong(random);
        return kind switch
        {
            < 0.55 => Plain(first),
            < 0.72 => new PictureGround(GroundKind.Gradient, first, random.NextDouble() < 0.5 ? Colour.White : Neighbour(first, random)),
            < 0.88 => new PictureGround(GroundKind.Sunburst, first, Paler(first, random.Between(0.4f, 0.85f))),
            _ => new PictureGround(GroundKind.Disc, first, Paler(first, random.Between(0.3f, 0.8f))),
        };
    }

    /// <summary>Its words in a caption: 粉色背景, 浅蓝色背景, 蓝色渐变背景, 放射背景; empty for white.</summary>
    public string Words(Random random)
    {
        string colour = First.Name;
        string shade = First.Saturation is > 0.15f and < 0.45f && colour is not "粉色" && random.NextDouble() < 0.5 ? "浅" : "";
        return Kind switch
        {
            GroundKind.Gradient => random.NextDouble() < 0.5 ? "渐变背景" : colour + "渐变背景",
            GroundKind.Sunburst => random.NextDouble() < 0.5 ? "放射背景" : colour + "放射背景",
            GroundKind.Disc => random.NextDouble() < 0.5 ? "圆形背景" : colour + "圆形背景",
            _ when this == White => "",
            _ => shade + colour + "背景",
        };
    }

    /// <summary>Fills a square of pixels, red, green and blue from 0 to 1.</summary>
    public void Fill(Span<Vector4> pixels, int side)
    {
        (Vector4 first, Vector4 second) = (First.ToRgb(), Second.ToRgb());
        for (int i = 0; i < pixels.Length; i++)
        {
            (float x, float y) = ((i % side) - (side / 2f) + 0.5f, (i / side) - (side / 2f) + 0.5f);              // from the middle
            pixels[i] = Kind switch
            {
                GroundKind.Gradient => Vector4.Lerp(first, second, (i / side) / (side - 1f)),
                GroundKind.Sunburst => Vector4.Lerp(first, second, Ray(x, y)),
                GroundKind.Disc => Vector4.Lerp(first, second, Math.Clamp((DiscRadius * side) - MathF.Sqrt((x * x) + (y * y)) + 0.5f, 0, 1)),
                _ => first,
            };
        }
    }

    private static PictureGround Plain(Colour colour) => new(GroundKind.Plain, colour, colour);

    private static Colour Pale(Random random) => Tone(random, 0.2f, 0.42f, 0.9f, 1f);

    private static Colour Strong(Random random) => Tone(random, 0.55f, 0.9f, 0.75f, 1f);

    private static Colour Tone(Random random, float lowSaturation, float highSaturation, float lowValue, float highValue)
    {
        (float from, float to) = random.Pick(Hues);
        return new Colour((random.Between(from, to) + 360) % 360, random.Between(lowSaturation, highSaturation), random.Between(lowValue, highValue));
    }

    private static Colour Neighbour(Colour colour, Random random) => colour.Turn(random.Between(-50, 50)) with { Saturation = random.Between(0.2f, 0.8f) };

    // The same hue, nearer to white by a share of the way.
    private static Colour Paler(Colour colour, float share) => colour with { Saturation = colour.Saturation * share, Value = 1 - ((1 - colour.Value) * share) };

    // How far a pixel lies in the second colour: twelve rays, their edges softened over a pixel.
    private static float Ray(float x, float y)
    {
        float turns = 12 * (MathF.Atan2(y, x) / MathF.Tau);
        float wave = MathF.Abs(turns - MathF.Round(turns)) - 0.25f;                       // below 0 within a ray, in turns of 1/12
        float pixels = wave * MathF.Tau / 12 * MathF.Sqrt((x * x) + (y * y));
        return Math.Clamp(0.5f - pixels, 0, 1);
    }
}
