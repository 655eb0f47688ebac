namespace Taiyi.Schedulers;

/// <summary>The beta distribution's quantiles, for the levels of "Beta Sampling is All You Need" (https://arxiv.org/abs/2407.12173).</summary>
internal static class BetaDistribution
{
    /// <summary>The x at which the regularised incomplete beta function I_x(a, b) is p.</summary>
    /// <param name="p">A probability, 0 … 1.</param>
    /// <param name="a">Above 0.</param>
    /// <param name="b">Above 0.</param>
    public static double Quantile(double p, double a, double b)
    {
        double low = 0, high = 1;
        for (int i = 0; i < 200 && low < high; i++) // I_x rises with x: halve until two neighbouring doubles are left
        {
            double middle = low + (high - low) / 2;
            if (middle == low || middle == high)
            {
                break;
            }

            (low, high) = Cumulative(middle, a, b) < p ? (middle, high) : (low, middle);
        }

        return p <= 0 ? 0 : p >= 1 ? 1 : high;
    }

    /// <summary>I_x(a, b) by its continued fraction (NIST DLMF 8.17.22), which converges fast below the mean.</summary>
    public static double Cumulative(double x, double a, double b)
    {
        if (x > (a + 1) / (a + b + 2))
        {
            return 1 - Cumulative(1 - x, b, a); // DLMF 8.17.4
        }

        double front = Math.Exp(a * Math.Log(x) + b * Math.Log(1 - x) - LogBeta(a, b)) / a, fraction = 1;
        for (int m = 120; m >= 1; m--) // from the tail inwards; d_{2m} and d_{2m-1} of DLMF 8.17.23
        {
            double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            double odd = -(a + m - 1) * (a + b + m - 1) * x / ((a + 2 * m - 2) * (a + 2 * m - 1));
            fraction = 1 + odd / (1 + even / fraction);
        }

        return front / fraction;
    }

    private static double LogBeta(double a, double b) => LogGamma(a) + LogGamma(b) - LogGamma(a + b);

    // Stirling's series (DLMF 5.11.1) at x + 12, where five terms give all digits, and back by Γ(x + 1) = x Γ(x).
    private static double LogGamma(double x)
    {
        double shift = 0;
        for (int i = 0; i < 12; i++)
        {
            shift += Math.Log(x + i);
        }

        double y = x + 12, y2 = y * y;
        double series = (1 / 12.0 - (1 / 360.0 - (1 / 1260.0 - (1 / 1680.0 - 1 / (1188 * y2)) / y2) / y2) / y2) / y;
        return (y - 0.5) * Math.Log(y) - y + 0.5 * Math.Log(2 * Math.PI) + series - shift;
    }
}
