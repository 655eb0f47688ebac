namespace Taiyi.Display;

/// <summary>The running mean that makes a loss curve readable.</summary>
internal static class Smoothing
{
    /// <summary>The exponential moving average with the bias correction of Adam (arXiv:1412.6980, algorithm 1): m / (1 - beta^t).</summary>
    /// <param name="values">The numbers in their order; those that are not finite are passed over.</param>
    /// <param name="beta">Weight of the past, in [0, 1).</param>
    public static double[] Exponential(IReadOnlyList<double> values, double beta)
    {
        if (beta is not (>= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(null, $"The weight of the past lies in [0, 1), 0 smooths nothing; got {beta}.");
        }

        double[] smooth = new double[values.Count];
        double mean = 0;
        double weight = 1;
        for (int i = 0; i < values.Count; i++)
        {
            if (double.IsFinite(values[i]))
            {
                mean = (beta * mean) + ((1 - beta) * values[i]);
                weight *= beta;
            }

            smooth[i] = weight < 1 ? mean / (1 - weight) : double.NaN;
        }

        return smooth;
    }
}
