using System.Globalization;
using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>Maps the values of one axis to pixels, and chooses the values at which it has ticks.</summary>
internal sealed class ChartScale
{
    private readonly ChartAxis _axis;
    private readonly double _low;
    private readonly double _high;
    private readonly double _from;
    private readonly double _to;

    /// <param name="axis">What the axis asks for.</param>
    /// <param name="values">All values that shall be seen.</param>
    /// <param name="padding">Shares of the span that are left free below and above where the data decides the range.</param>
    /// <param name="from">Pixel of the lowest value.</param>
    /// <param name="to">Pixel of the highest value.</param>
    public ChartScale(ChartAxis axis, IEnumerable<double> values, (double Below, double Above) padding, double from, double to)
    {
        _axis = axis;
        (_from, _to) = axis.Reversed ? (to, from) : (from, to);
        double[] places = [.. values.Select(Place).Where(double.IsFinite)];
        (_low, _high) = axis.Range is { } range ? (Place(range.Low), Place(range.High))
            : places.Length == 0 ? (0, 1) : (places.Min(), places.Max());
        double span = _high - _low;
        if (span <= 0)
        {
            (_low, _high) = (_low - 0.5, _high + 0.5); // one value alone stands in the middle
        }
        else if (axis.Range is null)
        {
            (_low, _high) = (_low - (padding.Below * span), _high + (padding.Above * span));
        }
    }

    /// <summary>The pixel of a value; NaN for one that has no place (missing, or not positive on a logarithmic axis).</summary>
    public double Map(double value) => _from + ((Place(value) - _low) / (_high - _low) * (_to - _from));

    /// <summary>Values and their labels, about as many as fit.</summary>
    public IReadOnlyList<(double Value, string Label)> Ticks(double pixelsEach)
    {
        int wanted = Math.Max(2, (int)(Math.Abs(_to - _from) / pixelsEach));
        return _axis.Categories is { } names ? NamedTicks(names, wanted)
            : _axis.Places is { } places ? [.. places.Select(place => (place, Numbers.Short(place)))]
            : _axis.Logarithmic ? DecadeTicks(wanted) : EvenTicks(wanted);
    }

    private double Place(double value) => !_axis.Logarithmic ? value : value > 0 ? Math.Log10(value) : double.NaN;

    private static List<(double, string)> NamedTicks(IReadOnlyList<string> names, int wanted)
    {
        int step = (names.Count + wanted - 1) / wanted;
        return [.. Enumerable.Range(0, names.Count).Where(i => i % step == 0).Select(i => ((double)i, names[i]))];
    }

    // Multiples of 1, 2 or 5 times a power of ten: the smallest step that gives no more ticks than wanted.
    private List<(double, string)> EvenTicks(int wanted)
    {
        double rough = (_high - _low) / wanted;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * new[] { 1.0, 2, 5, 10 }.First(factor => factor * power >= rough * 0.999999);
        int decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        List<(double, string)> ticks = [];
        for (double k = Math.Ceiling((_low / step) - 1e-9); k * step <= _high + (1e-9 * step); k++)
        {
            ticks.Add((k * step, Label(k * step, decimals)));
        }

        return ticks;
    }

    // Powers of ten; where they are few, also twice and five times each.
    private List<(double, string)> DecadeTicks(int wanted)
    {
        int first = (int)Math.Ceiling(_low - 1e-9);
        int last = (int)Math.Floor(_high + 1e-9);
        bool few = last - first < 2;
        double[] factors = few ? [1, 2, 5] : [1];
        int step = few ? 1 : (int)Math.Ceiling((last - first + 1.0) / wanted);
        List<(double Factor, int Power)> ticks = [];
        for (int power = few ? first - 1 : first; power <= last; power += step)
        {
            ticks.AddRange(factors.Select(factor => (factor, power)).Where(tick => Within(ValueOf(tick.factor, tick.power))));
        }

        // All labels of one kind: plain numbers, or powers of ten as soon as one of them would be long.
        bool plain = ticks.All(tick => tick.Power is >= -3 and <= 4);
        return [.. ticks.Select(tick => (ValueOf(tick.Factor, tick.Power), plain ? Numbers.Short(ValueOf(tick.Factor, tick.Power)) : PowerOfTen(tick.Factor, tick.Power)))];

        bool Within(double value) => Math.Log10(value) >= _low - 1e-9 && Math.Log10(value) <= _high + 1e-9;
        static double ValueOf(double factor, int power) => factor * Math.Pow(10, power);
    }

    private static string PowerOfTen(double factor, int power)
    {
        const string digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
        string exponent = string.Concat(power.ToString(CultureInfo.InvariantCulture).Select(letter => letter == '-' ? '⁻' : digits[letter - '0']));
        return (factor == 1 ? "10" : factor.ToString(CultureInfo.InvariantCulture) + "·10") + exponent;
    }

    private static string Label(double value, int decimals)
    {
        double rounded = Math.Round(value, Math.Min(decimals, 15)) + 0.0; // no negative zero
        return decimals > 4 || Math.Abs(rounded) >= 1e6 ? Numbers.Short(value) : rounded.ToString("F" + decimals, CultureInfo.InvariantCulture);
    }
}
