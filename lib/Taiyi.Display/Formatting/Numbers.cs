using System.Globalization;

namespace Taiyi.Display.Formatting;

/// <summary>Numbers for reading, the same under every culture.</summary>
internal static class Numbers
{
    /// <summary>Four significant digits; a power of ten where the number is very large or small.</summary>
    public static string Short(double value) => value switch
    {
        0 => "0",
        double.NaN => "NaN",
        double.PositiveInfinity => "∞",
        double.NegativeInfinity => "-∞",
        _ when Math.Abs(value) is >= 1e-4 and < 1e6 => FourDigits(value),
        _ => value.ToString("0.###e+0", CultureInfo.InvariantCulture),
    };

    /// <summary>A count with a comma between thousands.</summary>
    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A coordinate in a drawing: two decimals at most.</summary>
    public static string Coordinate(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>A span of time as one would say it: 4.2 s, 3 min 20 s, 1 h 05 min.</summary>
    public static string Duration(TimeSpan time)
    {
        TimeSpan whole = TimeSpan.FromSeconds(Math.Round(time.TotalSeconds));
        return time.TotalSeconds switch
        {
            < 9.95 => time.TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture) + " s",
            < 59.5 => $"{whole.Seconds} s",
            < 3599.5 => $"{whole.Minutes} min {whole.Seconds:00} s",
            _ => $"{(int)whole.TotalHours} h {whole.Minutes:00} min",
        };
    }

    // Decimals so that four digits stay in all: 0.1235, 12.35, 123456.
    private static string FourDigits(double value)
    {
        int whole = (int)Math.Floor(Math.Log10(Math.Abs(value))) + 1;
        int decimals = Math.Clamp(4 - whole, 0, 7);
        return Math.Round(value, decimals).ToString("0.#######", CultureInfo.InvariantCulture);
    }
}
