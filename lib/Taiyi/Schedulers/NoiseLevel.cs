namespace Taiyi.Schedulers;

/// <summary>How much picture and how much noise a sample holds at one point of a run: x = α x₀ + σ ε.</summary>
/// <param name="Timestep">What the network is told, 0 … T - 1; fractions for the samplers that walk along σ. -1 without noise.</param>
/// <param name="Alpha">α, the scale of the picture: √ᾱ_t, or 1 for the samplers whose samples are x₀ + σ ε.</param>
/// <param name="Sigma">σ, the standard deviation of the noise.</param>
public readonly record struct NoiseLevel(double Timestep, double Alpha, double Sigma)
{
    /// <summary>σ/α, the noise level of EDM and k-diffusion.</summary>
    public double Ratio => Sigma / Alpha;

    /// <summary>λ = log(α/σ), half the logarithm of the signal-to-noise ratio, of DPM-Solver; infinite without noise.</summary>
    public double Lambda => -Math.Log(Ratio);

    /// <summary>A level of variance preserving samples, α² + σ² = 1.</summary>
    /// <param name="timestep">What the network is told.</param>
    /// <param name="ratio">σ/α.</param>
    public static NoiseLevel Preserving(double timestep, double ratio)
    {
        double alpha = 1 / Math.Sqrt(ratio * ratio + 1);
        return new NoiseLevel(timestep, alpha, alpha * ratio);
    }

    /// <summary>A level of samples x₀ + σ ε.</summary>
    /// <param name="timestep">What the network is told.</param>
    /// <param name="sigma">σ.</param>
    public static NoiseLevel Exploding(double timestep, double sigma) => new(timestep, 1, sigma);
}

/// <summary>Where a run calls the network and where it ends, all of it from pure noise on.</summary>
/// <param name="Levels">The noise level of the sample at each call, and last the level that the run ends at.</param>
/// <param name="NumInferenceSteps">Steps, which solvers of two stages make of two calls and PNDM of one call more.</param>
/// <param name="InitNoiseSigma">The standard deviation of the first sample of a run from pure noise.</param>
/// <param name="CallsPerStep">Calls of the network in a step: 2 for solvers of two stages, else 1.</param>
public sealed record SamplingPlan(IReadOnlyList<NoiseLevel> Levels, int NumInferenceSteps, double InitNoiseSigma = 1, int CallsPerStep = 1)
{
    /// <summary>Calls of the network from pure noise to the end.</summary>
    public int Calls => Levels.Count - 1;

    /// <summary>
    /// The fixed distance of two timesteps, T / steps, for the samplers that use it; null if the timesteps were given as a
    /// list, whose next element then counts.
    /// </summary>
    public int? Stride { get; init; }
}

/// <summary>The steps that a run is asked to take: a number, or a list of timesteps or of noise levels.</summary>
/// <param name="Count">Number of steps.</param>
/// <param name="Timesteps">The timesteps themselves, decreasing; null for the sampler's own.</param>
/// <param name="Sigmas">The noise levels σ themselves, decreasing, and last the one that the run ends at; null for the sampler's own.</param>
public sealed record SamplingSteps(int Count, IReadOnlyList<double>? Timesteps = null, IReadOnlyList<double>? Sigmas = null)
{
    internal static SamplingSteps At(IReadOnlyList<double> timesteps, int trained)
    {
        bool fits = timesteps.Count > 0 && timesteps[0] < trained && timesteps[^1] >= 0 && Fall(timesteps);
        return fits
            ? new SamplingSteps(timesteps.Count, Timesteps: timesteps)
            : throw new ArgumentException($"The timesteps are {string.Join(", ", timesteps)}; they must fall from at most {trained - 1} to at least 0, such as 999, 850, 736.");
    }

    internal static SamplingSteps AtSigmas(IReadOnlyList<double> sigmas)
    {
        bool fits = sigmas.Count > 1 && double.IsFinite(sigmas[0]) && sigmas[^1] >= 0 && Fall(sigmas);
        return fits
            ? new SamplingSteps(sigmas.Count - 1, Sigmas: sigmas)
            : throw new ArgumentException($"The sigmas are {string.Join(", ", sigmas)}; they must be two or more numbers that fall to at least 0, such as 14.6, 3.9, 0.9, 0.");
    }

    private static bool Fall(IReadOnlyList<double> values) => values.Zip(values.Skip(1)).All(pair => pair.First > pair.Second);
}
