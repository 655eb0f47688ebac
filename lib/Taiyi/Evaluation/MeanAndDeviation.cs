using System.Globalization;

namespace Taiyi.Evaluation;

/// <summary>What some measurements of one quantity say, for example of pictures drawn with several seeds.</summary>
/// <param name="Mean">Their mean.</param>
/// <param name="Deviation">Their sample standard deviation, √(Σ (x - mean)² / (n - 1)); 0 for a single one.</param>
public readonly record struct MeanAndDeviation(double Mean, double Deviation)
{
    /// <summary>Mean and deviation of some values.</summary>
    /// <param name="values">One or more.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static MeanAndDeviation Of(IReadOnlyCollection<double> values)
    {
        if (values.Count == 0)
        {
            throw new ArgumentException("A mean needs at least one value.");
        }

        double mean = values.Average(), squares = values.Sum(value => (value - mean) * (value - mean));
        return new MeanAndDeviation(mean, values.Count > 1 ? Math.Sqrt(squares / (values.Count - 1)) : 0);
    }

    /// <summary>Both in a number format, for example f3: 0.312 ± 0.008.</summary>
    public string ToString(string format) =>
        Mean.ToString(format, CultureInfo.InvariantCulture) + " ± " + Deviation.ToString(format, CultureInfo.InvariantCulture);
}
