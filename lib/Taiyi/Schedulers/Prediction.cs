using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// The two quantities that one prediction of the network holds. With x_t = α_t x₀ + σ_t ε and α_t² + σ_t² = 1, any of ε, v and x₀ gives
/// the others.
/// </summary>
internal static class Prediction
{
    /// <summary>x̂₀ from the network's output at x_t.</summary>
    /// <param name="type">What the output is.</param>
    /// <param name="modelOutput">ε, v or x₀.</param>
    /// <param name="sample">x_t.</param>
    /// <param name="alpha">α_t = √ᾱ_t.</param>
    /// <param name="sigma">σ_t = √(1-ᾱ_t).</param>
    public static Tensor OriginalSample(PredictionType type, Tensor modelOutput, Tensor sample, double alpha, double sigma) => type switch
    {
        PredictionType.Epsilon => (sample - sigma * modelOutput) / alpha,       // DDIM eq. (9), DDPM eq. (15)
        PredictionType.VPrediction => alpha * sample - sigma * modelOutput,     // 2202.00512 appendix D
        PredictionType.Sample => modelOutput.alias(),
        _ => throw Unknown(type),
    };

    /// <summary>ε̂ from the network's output at x_t.</summary>
    /// <inheritdoc cref="OriginalSample(PredictionType, Tensor, Tensor, double, double)"/>
    public static Tensor Epsilon(PredictionType type, Tensor modelOutput, Tensor sample, double alpha, double sigma) => type switch
    {
        PredictionType.Epsilon => modelOutput,
        PredictionType.VPrediction => alpha * modelOutput + sigma * sample,     // 2202.00512 appendix D
        PredictionType.Sample => (sample - alpha * modelOutput) / sigma,
        _ => throw Unknown(type),
    };

    /// <summary>The same where every picture of the batch has a level of its own: α_t and σ_t are (B, 1, …).</summary>
    /// <inheritdoc cref="OriginalSample(PredictionType, Tensor, Tensor, double, double)"/>
    public static Tensor OriginalSample(PredictionType type, Tensor modelOutput, Tensor sample, Tensor alpha, Tensor sigma) => type switch
    {
        PredictionType.Epsilon => (sample - sigma * modelOutput) / alpha,
        PredictionType.VPrediction => alpha * sample - sigma * modelOutput,
        PredictionType.Sample => modelOutput.alias(),
        _ => throw Unknown(type),
    };

    /// <summary>What the network would have said at x_t if its x̂₀ were this: <see cref="OriginalSample(PredictionType, Tensor, Tensor, double, double)"/> turned round.</summary>
    /// <param name="type">What the output is.</param>
    /// <param name="originalSample">x̂₀.</param>
    /// <param name="sample">x_t.</param>
    /// <param name="alpha">α_t.</param>
    /// <param name="sigma">σ_t, above 0.</param>
    public static Tensor ModelOutput(PredictionType type, Tensor originalSample, Tensor sample, double alpha, double sigma) => type switch
    {
        PredictionType.Epsilon => (sample - alpha * originalSample) / sigma,
        PredictionType.VPrediction => (alpha * sample - originalSample) / sigma,
        PredictionType.Sample => originalSample.alias(),
        _ => throw Unknown(type),
    };

    private static ArgumentOutOfRangeException Unknown(PredictionType type) =>
        new(null, $"The prediction type is {type}; a network predicts Epsilon, VPrediction or Sample.");

    /// <summary>x̂₀ kept in the range of the data, as the settings say; latents leave [-1, 1] by nature, so neither is usual with them.</summary>
    /// <param name="config">Clipping or thresholding, and their ranges.</param>
    /// <param name="originalSample">x̂₀, (B, …).</param>
    public static Tensor Limited(SchedulerConfig config, Tensor originalSample)
    {
        if (!config.Thresholding)
        {
            return config.ClipSample ? originalSample.clamp(-config.ClipSampleRange, config.ClipSampleRange) : originalSample;
        }

        // Dynamic thresholding, Imagen (https://arxiv.org/abs/2205.11487) section 2.3: s is a high percentile of |x̂₀| of each picture.
        long[] broadcast = [.. originalSample.shape.Select((length, axis) => axis == 0 ? length : 1)];
        Tensor s = quantile(originalSample.flatten(1).abs(), tensor((float)config.DynamicThresholdingRatio, device: originalSample.device), dim: 1)
            .clamp(1, Math.Max(1, config.SampleMaxValue)).view(broadcast);
        return minimum(maximum(originalSample, -s), s) / s;
    }
}
