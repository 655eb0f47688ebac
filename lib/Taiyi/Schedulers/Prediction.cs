using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// The two things hidden in one prediction of the network. With x_t = α_t x₀ + σ_t ε and α_t² + σ_t² = 1, any of ε and v gives both
/// x₀ and ε.
/// </summary>
internal static class Prediction
{
    /// <summary>x̂₀ from the network's output at x_t.</summary>
    /// <param name="type">What the output is.</param>
    /// <param name="modelOutput">ε or v.</param>
    /// <param name="sample">x_t.</param>
    /// <param name="alpha">α_t = √ᾱ_t.</param>
    /// <param name="sigma">σ_t = √(1-ᾱ_t).</param>
    public static Tensor OriginalSample(PredictionType type, Tensor modelOutput, Tensor sample, double alpha, double sigma) => type switch
    {
        PredictionType.Epsilon => (sample - sigma * modelOutput) / alpha,       // DDIM eq. (9), DDPM eq. (15)
        PredictionType.VPrediction => alpha * sample - sigma * modelOutput,     // 2202.00512 appendix D
        _ => throw Unknown(type),
    };

    /// <summary>ε̂ from the network's output at x_t.</summary>
    /// <inheritdoc cref="OriginalSample"/>
    public static Tensor Epsilon(PredictionType type, Tensor modelOutput, Tensor sample, double alpha, double sigma) => type switch
    {
        PredictionType.Epsilon => modelOutput,
        PredictionType.VPrediction => alpha * modelOutput + sigma * sample,     // 2202.00512 appendix D
        _ => throw Unknown(type),
    };

    private static ArgumentOutOfRangeException Unknown(PredictionType type) =>
        new(nameof(type), type, "A network predicts Epsilon or VPrediction.");
}
