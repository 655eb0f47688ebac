namespace Taiyi.Schedulers;

/// <summary>The share of fresh noise in a step.</summary>
internal static class Stochasticity
{
    /// <exception cref="ArgumentOutOfRangeException">η is not from 0 to 1.</exception>
    public static void Check(double eta)
    {
        if (eta is not (>= 0 and <= 1))
        {
            throw new ArgumentOutOfRangeException(null, $"η is {eta}; it must be from 0 (deterministic) to 1 (all noise is fresh).");
        }
    }

    /// <summary>
    /// An ancestral step goes from σ below the next level and comes back up to it with fresh noise: σ_down² + σ_up² = σ_next². σ_up² is
    /// the variance of q(x_next | x, x₀), DDPM eq. (7) in samples x₀ + σ ε. k-diffusion, <c>get_ancestral_step</c>.
    /// </summary>
    public static (double Down, double Up) Ancestral(double sigma, double sigmaNext)
    {
        double up = Math.Sqrt(sigmaNext * sigmaNext * (sigma * sigma - sigmaNext * sigmaNext) / (sigma * sigma));
        return (Math.Sqrt(sigmaNext * sigmaNext - up * up), up);
    }
}
