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
/// <param name="snrGamma">γ of the min-SNR-γ weighting (arXiv 2303.09556; 5 is usual), or null for none.</param>
/// <param name="debiased">Whether much noise counts more, by 1 / √SNR (arXiv 2310.08442); in place of min-SNR-γ.</param>
public sealed class DiffusionLoss(UNet2DConditionModel unet, SchedulerConfig schedulerConfig, double scalingFactor, double? snrGamma = null, bool debiased = false)
{
    private const double LargestSnr = 1000; // as in kohya's scripts (library/custom_train_functions.py): the first timesteps would count for nothing

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
    /// What each picture's error is multiplied by, (B) float32, for a network that predicts ε: 1; or with γ min(SNR, γ) / SNR
    /// (arXiv 2303.09556 section 3.4), which counts small noise less, where the task is easy and its gradients are large; or debiased
    /// 1 / √SNR (arXiv 2310.08442), which counts much noise more, where grounds and colours are decided. A network that predicts
    /// v or x₀ has the weights that mean the same error of x₀: those of ε times SNR / (SNR + 1) or times SNR; debiased v has 1 / (SNR + 1),
    /// as in kohya's scripts.
    /// </summary>
    /// <param name="timesteps">t, (B) int64.</param>
    public Tensor Weights(Tensor timesteps)
    {
        Func<double, double>? weight = debiased ? Debiased : snrGamma is { } gamma ? snr => MinSnr(snr, gamma) : null;
        if (weight is null)
        {
            return ones(timesteps.shape, ScalarType.Float32, timesteps.device);
        }

        using Tensor onCpu = timesteps.cpu();
        float[] weights = [.. onCpu.data<long>().Select(t => Schedule.Snr((int)t)).Select(snr => (float)weight(snr))];
        return tensor(weights, device: timesteps.device);
    }

    private double MinSnr(double snr, double gamma) => Math.Min(snr, gamma) / schedulerConfig.PredictionType switch
    {
        PredictionType.VPrediction => snr + 1,
        PredictionType.Sample => 1,
        _ => snr,
    };

    private double Debiased(double snr)
    {
        snr = Math.Min(snr, LargestSnr);
        return schedulerConfig.PredictionType switch
        {
            PredictionType.VPrediction => 1 / (snr + 1),
            PredictionType.Sample => Math.Sqrt(snr),
            _ => 1 / Math.Sqrt(snr),
        };
    }
}
