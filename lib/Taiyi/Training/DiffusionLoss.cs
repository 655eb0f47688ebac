using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>
/// The training objective of a diffusion model, Algorithm 1 of DDPM (arXiv 2006.11239): x₀ from the data, t and ε at random,
/// and the squared error of the network's prediction at x_t.
/// </summary>
/// <remarks>
/// It knows nothing of LoRA: whichever parameters of the network have gradients are trained. Letters: B pictures, C latent
/// channels, H and W of the latents, L tokens of width D, T training timesteps.
/// </remarks>
/// <param name="unet">The network ε_θ, or v_θ for a v-prediction model.</param>
/// <param name="schedulerConfig">T, the noise schedule and what the network predicts.</param>
/// <param name="scalingFactor">What latents are multiplied by to have about unit variance; of the VAE's config.</param>
/// <param name="snrGamma">γ of the min-SNR-γ weighting (arXiv 2303.09556; 5 is usual), or null for equal weights.</param>
public sealed class DiffusionLoss(UNet2DConditionModel unet, SchedulerConfig schedulerConfig, double scalingFactor, double? snrGamma = null)
{
    /// <summary>The noise schedule: ᾱ_t and the signal-to-noise ratio.</summary>
    public NoiseSchedule Schedule { get; } = new(schedulerConfig);

    /// <summary>The loss of one batch, a scalar in float32 whose backward pass gives the gradients; the caller owns it.</summary>
    /// <param name="batch">Latents and captions of B pictures.</param>
    /// <param name="draws">The random numbers of this pass.</param>
    public Tensor Compute(TrainingBatch batch, DiffusionDraws draws)
    {
        using var scope = NewDisposeScope();
        Tensor x0 = (batch.Mean + batch.Deviation * draws.Xi) * scalingFactor;     // x₀ ~ q(x₀), (B, C, H, W)
        Tensor epsilon = draws.Epsilon;                                            // ε ~ N(0, I), (B, C, H, W)
        Tensor t = draws.Timesteps;                                                // t ~ Uniform({0, …, T-1}), (B)
        Tensor xt = Schedule.AddNoise(x0, epsilon, t);                             // x_t = √ᾱ_t x₀ + √(1-ᾱ_t) ε

        Tensor prediction = unet.call(xt, t, batch.Context);                       // ε_θ(x_t, t), (B, C, H, W)
        Tensor target = schedulerConfig.PredictionType switch
        {
            PredictionType.VPrediction => Schedule.GetVelocity(x0, epsilon, t),
            PredictionType.Sample => x0,
            _ => epsilon,
        };

        Tensor errors = (prediction - target).square().mean([1, 2, 3]);            // ‖ε - ε_θ(x_t, t)‖² of each picture, (B)
        return (errors * Weights(t)).mean().MoveToOuterDisposeScope();
    }

    /// <summary>
    /// What each picture's error is multiplied by, (B) float32: 1, or with γ the weights of arXiv 2303.09556 section 3.4,
    /// min(SNR, γ) / SNR when the network predicts ε, min(SNR, γ) / (SNR + 1) when it predicts v, min(SNR, γ) when it predicts x₀. Small noise, where the
    /// task is easy and its gradients are large, then counts less.
    /// </summary>
    /// <param name="timesteps">t, (B) int64.</param>
    public Tensor Weights(Tensor timesteps)
    {
        if (snrGamma is not { } gamma)
        {
            return ones(timesteps.shape, ScalarType.Float32, timesteps.device);
        }

        Func<double, double> share = schedulerConfig.PredictionType switch
        {
            PredictionType.VPrediction => snr => snr + 1,
            PredictionType.Sample => _ => 1,
            _ => snr => snr,
        };
        using Tensor onCpu = timesteps.cpu();
        float[] weights = [.. onCpu.data<long>().Select(t => Schedule.Snr((int)t)).Select(snr => (float)(Math.Min(snr, gamma) / share(snr)))];
        return tensor(weights, device: timesteps.device);
    }
}
