namespace Taiyi.Schedulers;

/// <summary>
/// The mathematics that all multistep samplers share. A step from s to t replaces the network's prediction, which changes along the
/// way, by one weighted mean m̄ = Σ w_k m_k of predictions at known points.
/// </summary>
/// <remarks>
/// With r the place on the way (0 at s, 1 at t, below 0 for earlier calls), the exact solution of the step weighs the prediction by
/// e^{z(1-r)}: z = 0 for samplers that walk along σ, z = -h or h (h = λ_t - λ_s) for the exponential integrators in λ. Weights that are
/// exact for polynomials through the p points satisfy Σ w_k r_k^j = j! φ_{j+1}(z) / φ_1(z), j = 0 … p-1, with
/// φ_k(z) = Σ_n z^n/(n+k)!. Linear multistep (z = 0), DEIS, DPM-Solver's "heun" type and UniPC are all of this one formula.
/// https://arxiv.org/abs/2204.13902 eq. (15), https://arxiv.org/abs/2206.00927 eq. (3.7), https://arxiv.org/abs/2302.04867 eq. (5).
/// </remarks>
internal static class MultistepWeights
{
    /// <summary>Weights that are exact for the polynomial through the given points.</summary>
    /// <param name="z">Growth of the integrand's weight over the step.</param>
    /// <param name="places">r_k of each prediction, all different.</param>
    public static double[] Exact(double z, params ReadOnlySpan<double> places)
    {
        int order = places.Length;
        double[,] rows = new double[order, order + 1]; // row j: r_k^j … | moment j
        double factorial = 1;
        for (int j = 0; j < order; j++)
        {
            for (int k = 0; k < order; k++)
            {
                rows[j, k] = Math.Pow(places[k], j);
            }

            rows[j, order] = factorial * Phi(j + 1, z) / Phi(1, z);
            factorial *= j + 1;
        }

        return Solve(rows, order);
    }

    /// <summary>φ_k(z) = (φ_{k-1}(z) - 1/(k-1)!) / z, φ_0 = e^z; by its series near 0, where the fraction loses digits.</summary>
    /// <param name="k">1 or more.</param>
    /// <param name="z">Any number.</param>
    public static double Phi(int k, double z)
    {
        double factorial = 1; // k!
        for (int i = 2; i <= k; i++)
        {
            factorial *= i;
        }

        if (Math.Abs(z) < 1)
        {
            double sum = 0, term = 1 / factorial;
            for (int n = 1; n < 25; n++)
            {
                sum += term;
                term *= z / (n + k);
            }

            return sum;
        }

        return ((k == 1 ? Math.Exp(z) : Phi(k - 1, z)) - k / factorial) / z;
    }

    // Gauss-Jordan with the largest pivot; at most five unknowns.
    private static double[] Solve(double[,] rows, int order)
    {
        for (int column = 0; column < order; column++)
        {
            int pivot = Enumerable.Range(column, order - column).MaxBy(row => Math.Abs(rows[row, column]));
            for (int k = 0; k <= order; k++)
            {
                (rows[column, k], rows[pivot, k]) = (rows[pivot, k], rows[column, k]);
            }

            for (int row = 0; row < order; row++)
            {
                double factor = row == column ? 0 : rows[row, column] / rows[column, column];
                for (int k = column; k <= order; k++)
                {
                    rows[row, k] -= factor * rows[column, k];
                }
            }
        }

        return [.. Enumerable.Range(0, order).Select(k => rows[k, order] / rows[k, k])];
    }
}
