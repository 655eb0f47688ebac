namespace Taiyi.Display;

/// <summary>Colours for numbers.</summary>
/// <remarks>Nine colours each, blended linearly between; those of matplotlib (viridis, inferno; CC0) and of ColorBrewer (RdBu; Apache 2.0).</remarks>
public sealed class ColorMap
{
    private readonly uint[] _colors;

    /// <summary>Colours as 0xRRGGBB in equal steps, at least two.</summary>
    internal ColorMap(params uint[] colors) => _colors = colors;

    /// <summary>Violet to yellow, equally bright steps for equal differences; the default for values of one sign.</summary>
    public static ColorMap Viridis { get; } = new(0x440154, 0x472D7B, 0x3B528B, 0x2C728E, 0x21918C, 0x28AE80, 0x5EC962, 0xADDC30, 0xFDE725);

    /// <summary>Black over red to light yellow, for heat and errors.</summary>
    public static ColorMap Inferno { get; } = new(0x000004, 0x210C4A, 0x57106E, 0x8A226A, 0xBC3754, 0xE45A31, 0xF98E09, 0xF9CB35, 0xFCFFA4);

    /// <summary>Blue over white to red, for values around zero; the default for values of both signs.</summary>
    public static ColorMap Diverging { get; } = new(0x2166AC, 0x4393C3, 0x92C5DE, 0xD1E5F0, 0xF7F7F7, 0xFDDBC7, 0xF4A582, 0xD6604D, 0xB2182B);

    /// <summary>
    /// What suits some values: for values of both signs blue over white to red, with zero in the middle; else violet to yellow from the
    /// smallest to the largest.
    /// </summary>
    internal static (double Low, double High, ColorMap Colors) For(IReadOnlyCollection<double> values)
    {
        (double low, double high) = Extent(values);
        double largest = Math.Max(-low, high);
        return low < 0 && high > 0 ? (-largest, largest, Diverging) : (low, high, Viridis);
    }

    /// <summary>The smallest and the largest finite value; 0 and 0 without one.</summary>
    internal static (double Low, double High) Extent(IReadOnlyCollection<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        return finite.Length == 0 ? (0, 0) : (finite.Min(), finite.Max());
    }

    /// <summary>The colour at a position.</summary>
    /// <param name="position">0 for the first colour to 1 for the last; clamped, and 0 for NaN.</param>
    public (byte Red, byte Green, byte Blue) At(double position)
    {
        double place = double.IsNaN(position) ? 0 : Math.Clamp(position, 0, 1) * (_colors.Length - 1);
        int lower = Math.Min((int)place, _colors.Length - 2);
        double share = place - lower;
        return (Blend(16), Blend(8), Blend(0));

        byte Blend(int shift) =>
            (byte)Math.Round((((_colors[lower] >> shift) & 255) * (1 - share)) + (((_colors[lower + 1] >> shift) & 255) * share));
    }

    /// <summary>The nine colours as plotly.js takes them: position and colour.</summary>
    internal IEnumerable<(double Position, string Color)> Stops => _colors.Select((color, i) => (i / (_colors.Length - 1.0), $"#{color:x6}"));
}
