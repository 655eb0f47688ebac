using System.Numerics;

namespace Taiyi.Workshop.Pretraining;

/// <summary>A colour as hue (degrees, 0 to 360), saturation and value (both 0 to 1).</summary>
/// <remarks>Smith, Color gamut transform pairs, SIGGRAPH 1978.</remarks>
internal readonly record struct Colour(float Hue, float Saturation, float Value)
{
    /// <summary>White.</summary>
    public static readonly Colour White = new(0, 0, 1);

    /// <summary>Of red, green and blue from 0 to 1.</summary>
    public static Colour FromRgb(float red, float green, float blue)
    {
        float value = Math.Max(red, Math.Max(green, blue));
        float chroma = value - Math.Min(red, Math.Min(green, blue));
        if (chroma <= 0)
        {
            return new Colour(0, 0, value);
        }

        float sextant = value == red ? (green - blue) / chroma
            : value == green ? ((blue - red) / chroma) + 2
            : ((red - green) / chroma) + 4;
        return new Colour(((sextant * 60) + 360) % 360, chroma / value, value);
    }

    /// <summary>Red, green and blue from 0 to 1 in X, Y and Z; W is 1, for opaque.</summary>
    public Vector4 ToRgb()
    {
        return new Vector4(Channel(5), Channel(3), Channel(1), 1);
    }

    /// <summary>The colour with its hue turned by some degrees.</summary>
    public Colour Turn(float degrees) => this with { Hue = (Hue + degrees + 360) % 360 };

    /// <summary>The colour's name in Chinese: 红色, 橙色, 黄色, 绿色, 青色, 蓝色, 紫色, 粉色, 棕色, 黑色, 灰色 or 白色.</summary>
    public string Name => (Hue, Saturation, Value) switch
    {
        (_, _, < 0.22f) => "黑色",
        (_, < 0.12f, > 0.88f) => "白色",
        (_, < 0.15f, _) => "灰色",
        ( >= 12 and < 48, > 0.3f, < 0.68f) => "棕色",
        ( >= 345 or < 15, < 0.5f, _) => "粉色",
        ( >= 345 or < 15, _, _) => "红色",
        ( < 43, _, _) => "橙色",
        ( < 68, _, _) => "黄色",
        ( < 160, _, _) => "绿色",
        ( < 195, _, _) => "青色",
        ( < 255, _, _) => "蓝色",
        ( < 300, _, _) => "紫色",
        _ => "粉色",
    };

    // The usual formula without cases: f(n) = v - v s max(0, min(k, 4 - k, 1)) with k = (n + h / 60) mod 6.
    private float Channel(int n)
    {
        float k = (n + (Hue / 60)) % 6;
        return Value - (Value * Saturation * Math.Clamp(Math.Min(k, 4 - k), 0, 1));
    }
}
