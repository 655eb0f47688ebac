using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// The forward process: how much noise each of the T training steps holds, and the Gaussians that follow from it.
/// DDPM, https://arxiv.org/abs/2006.11239.
/// </summary>
/// <remarks>
/// Notation (name here → the paper's): Betas → β_t, Alphas → α_t = 1 - β_t, AlphasCumprod → ᾱ_t = Π α_s, timestep t → 0 … T - 1
/// (the paper counts from 1), previousTimestep -1 → no noise, ᾱ = 1. Tables are computed in float64.
/// With zero terminal SNR the last ᾱ is 0: nothing of the picture is left there, and only a network that predicts v or x₀ can begin.
/// </remarks>
public sealed class NoiseSchedule
{
    // ᾱ below which σ is taken of, so that it stays finite where no signal is left: σ = 4096, as in diffusers.
    private const double MinAlphaCumprod = 1.0 / (1 << 24);

    private readonly PredictionType _predictionType;

    /// <summary>Computes the tables.</summary>
    /// <param name="config">T, the range of β, its schedule and what the network predicts.</param>
    public NoiseSchedule(SchedulerConfig config)
    {
        _predictionType = config.PredictionType;
        Betas = BetaTables.Of(config);
        Alphas = [.. Betas.Select(beta => 1 - beta)];
        AlphasCumprod = new double[Alphas.Length];
        double product = 1;
        for (int t = 0; t < Alphas.Length; t++)
        {
            AlphasCumprod[t] = product *= Alphas[t];
        }
    }

    /// <summary>β_t, the variance of the noise that training step t adds. T values.</summary>
    public double[] Betas { get; }

    /// <summary>α_t = 1 - β_t. T values.</summary>
    public double[] Alphas { get; }

    /// <summary>ᾱ_t = α_0 … α_t, the share of the signal's variance that is left at step t. T values, decreasing.</summary>
    public double[] AlphasCumprod { get; }

    /// <summary>The signal-to-noise ratio ᾱ_t / (1 - ᾱ_t) at a timestep.</summary>
    /// <param name="timestep">0 … T - 1.</param>
    public double Snr(int timestep)
    {
        double alphaCumprod = AlphaCumprod(timestep);
        return alphaCumprod / (1 - alphaCumprod);
    }

    /// <summary>
    /// The noise level of EDM and k-diffusion, σ = √((1-ᾱ_t)/ᾱ_t) = 1/√SNR: the standard deviation of the noise over a signal of
    /// scale 1. Linear in between two timesteps. https://arxiv.org/abs/2206.00364.
    /// </summary>
    /// <param name="timestep">0 … T - 1, fractions allowed.</param>
    public double Sigma(double timestep)
    {
        int below = Math.Clamp((int)Math.Floor(timestep), 0, AlphasCumprod.Length - 1), above = Math.Min(below + 1, AlphasCumprod.Length - 1);
        double low = WholeSigma(below), high = WholeSigma(above);
        return low + (timestep - below) * (high - low);
    }

    /// <summary>The timestep of a noise level, for the network to be told: linear in log σ in between two timesteps.</summary>
    /// <param name="sigma">σ; a level outside of the schedule gives its first or last timestep.</param>
    /// <returns>0 … T - 1, usually a fraction.</returns>
    public double TimestepOf(double sigma)
    {
        int above = 1;
        while (above < AlphasCumprod.Length - 1 && WholeSigma(above) <= sigma)
        {
            above++;
        }

        if (above >= AlphasCumprod.Length)
        {
            return 0; // a schedule of one timestep
        }

        double low = Math.Log(WholeSigma(above - 1)), high = Math.Log(WholeSigma(above));
        return above - 1 + Math.Clamp((Math.Log(sigma) - low) / (high - low), 0, 1);
    }

    private double WholeSigma(int timestep)
    {
        double alphaCumprod = Math.Max(AlphasCumprod[timestep], MinAlphaCumprod);
        return 1 / Math.Sqrt(alphaCumprod / (1 - alphaCumprod));
    }

    /// <summary>A sample of q(x_t | x₀) in one leap, x_t = √ᾱ_t x₀ + √(1-ᾱ_t) ε: DDPM eq. (4). The caller owns the result.</summary>
    /// <param name="originalSamples">x₀, (B, …), any floating dtype.</param>
    /// <param name="noise">ε, unit Gaussian noise, (B, …).</param>
    /// <param name="timesteps">One timestep a picture, (B) int64, 0 … T - 1.</param>
    /// <exception cref="ArgumentException">The number of timesteps or the shape of the noise does not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A timestep is not on the schedule.</exception>
    public Tensor AddNoise(Tensor originalSamples, Tensor noise, Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        (Tensor signal, Tensor sigma) = Rates(originalSamples, noise, timesteps); // (B, 1, …) each
        return (signal * originalSamples + sigma * noise).MoveToOuterDisposeScope();
    }

    /// <summary>The same with one timestep for all pictures.</summary>
    /// <param name="originalSamples">x₀, (B, …), any floating dtype.</param>
    /// <param name="noise">ε, unit Gaussian noise, (B, …).</param>
    /// <param name="timestep">0 … T - 1.</param>
    public Tensor AddNoise(Tensor originalSamples, Tensor noise, int timestep)
    {
        using var scope = NewDisposeScope();
        double alphaCumprod = AlphaCumprod(timestep);
        return (Math.Sqrt(alphaCumprod) * originalSamples + Math.Sqrt(1 - alphaCumprod) * noise).MoveToOuterDisposeScope();
    }

    /// <summary>The target of v-prediction, v = √ᾱ_t ε - √(1-ᾱ_t) x₀: https://arxiv.org/abs/2202.00512, appendix D. The caller owns the result.</summary>
    /// <param name="originalSamples">x₀, (B, …), any floating dtype.</param>
    /// <param name="noise">ε, unit Gaussian noise, (B, …).</param>
    /// <param name="timesteps">One timestep a picture, (B) int64, 0 … T - 1.</param>
    /// <exception cref="ArgumentException">The number of timesteps or the shape of the noise does not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A timestep is not on the schedule.</exception>
    public Tensor GetVelocity(Tensor originalSamples, Tensor noise, Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        (Tensor signal, Tensor sigma) = Rates(originalSamples, noise, timesteps);
        return (signal * noise - sigma * originalSamples).MoveToOuterDisposeScope();
    }

    /// <summary>A sample of q(x_t | x_{t-1}), one training step of noise, x_t = √(1-β_t) x_{t-1} + √β_t ε: DDPM eq. (2). The caller owns the result.</summary>
    /// <param name="previousSample">x_{t-1}; for timestep 0 that is x₀, the picture itself.</param>
    /// <param name="noise">ε, unit Gaussian noise of the same shape.</param>
    /// <param name="timestep">0 … T - 1.</param>
    public Tensor AddNoiseStep(Tensor previousSample, Tensor noise, int timestep)
    {
        using var scope = NewDisposeScope();
        double beta = Betas[Require(timestep)];
        return (Math.Sqrt(1 - beta) * previousSample + Math.Sqrt(beta) * noise).MoveToOuterDisposeScope();
    }

    /// <summary>The guess of x₀ that a prediction of the network at x_t holds. The caller owns the result.</summary>
    /// <param name="modelOutput">ε, v or x₀, as the settings say, of the sample's shape.</param>
    /// <param name="sample">x_t.</param>
    /// <param name="timestep">0 … T - 1.</param>
    public Tensor PredictOriginalSample(Tensor modelOutput, Tensor sample, int timestep)
    {
        using var scope = NewDisposeScope();
        double alphaCumprod = AlphaCumprod(timestep);
        return Prediction.OriginalSample(_predictionType, modelOutput, sample, Math.Sqrt(alphaCumprod), Math.Sqrt(1 - alphaCumprod)).MoveToOuterDisposeScope();
    }

    /// <summary>The same where every picture of the batch has a timestep of its own. The caller owns the result.</summary>
    /// <param name="modelOutput">ε, v or x₀, as the settings say, (B, …).</param>
    /// <param name="sample">x_t, (B, …).</param>
    /// <param name="timesteps">One timestep a picture, (B) int64, 0 … T - 1.</param>
    /// <exception cref="ArgumentException">The number of timesteps or a shape does not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A timestep is not on the schedule.</exception>
    public Tensor PredictOriginalSample(Tensor modelOutput, Tensor sample, Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        (Tensor alpha, Tensor sigma) = Rates(sample, modelOutput, timesteps);
        return Prediction.OriginalSample(_predictionType, modelOutput, sample, alpha, sigma).MoveToOuterDisposeScope();
    }

    /// <summary>The noise ε that x_t holds beside a picture, (x_t - √ᾱ_t x₀) / √(1-ᾱ_t). The caller owns the result.</summary>
    /// <param name="originalSamples">x₀, (B, …).</param>
    /// <param name="sample">x_t, (B, …).</param>
    /// <param name="timesteps">One timestep a picture, (B) int64, 0 … T - 1.</param>
    /// <exception cref="ArgumentException">The number of timesteps or a shape does not fit.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A timestep is not on the schedule.</exception>
    public Tensor NoiseBeside(Tensor originalSamples, Tensor sample, Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        (Tensor signal, Tensor sigma) = Rates(originalSamples, sample, timesteps);
        return ((sample - signal * originalSamples) / sigma).MoveToOuterDisposeScope();
    }

    /// <summary>The mean μ̃_t of q(x_{t-1} | x_t, x₀): DDPM eq. (6) and (7). The caller owns the result.</summary>
    /// <param name="originalSample">x₀, or the network's guess of it.</param>
    /// <param name="sample">x_t.</param>
    /// <param name="timestep">t, 0 … T - 1.</param>
    /// <param name="previousTimestep">The less noisy timestep to go to, -1 … t - 1; null is t - 1.</param>
    public Tensor PosteriorMean(Tensor originalSample, Tensor sample, int timestep, int? previousTimestep = null)
    {
        using var scope = NewDisposeScope();
        (double alphaCumprod, double alphaCumprodPrev) = Neighbours(timestep, previousTimestep);
        double alpha = alphaCumprod / alphaCumprodPrev, beta = 1 - alpha; // α_t, β_t of the whole leap
        double originalCoefficient = Math.Sqrt(alphaCumprodPrev) * beta / (1 - alphaCumprod);
        double sampleCoefficient = Math.Sqrt(alpha) * (1 - alphaCumprodPrev) / (1 - alphaCumprod);
        return (originalCoefficient * originalSample + sampleCoefficient * sample).MoveToOuterDisposeScope();
    }

    /// <summary>The variance β̃_t of q(x_{t-1} | x_t, x₀): DDPM eq. (7), and DDIM's σ_t² at η = 1, eq. (16) of https://arxiv.org/abs/2010.02502.</summary>
    /// <param name="timestep">t, 0 … T - 1.</param>
    /// <param name="previousTimestep">The less noisy timestep to go to, -1 … t - 1; null is t - 1.</param>
    public double PosteriorVariance(int timestep, int? previousTimestep = null)
    {
        (double alphaCumprod, double alphaCumprodPrev) = Neighbours(timestep, previousTimestep);
        return (1 - alphaCumprodPrev) / (1 - alphaCumprod) * (1 - alphaCumprod / alphaCumprodPrev);
    }

    private (double AlphaCumprod, double AlphaCumprodPrev) Neighbours(int timestep, int? previousTimestep)
    {
        int previous = previousTimestep ?? timestep - 1;
        return previous >= -1 && previous < timestep
            ? (AlphaCumprod(timestep), previous < 0 ? 1 : AlphaCumprod(previous))
            : throw new ArgumentOutOfRangeException(null, $"The step before timestep {timestep} is one of -1 … {timestep - 1}, got {previous}.");
    }

    private double AlphaCumprod(int timestep) => AlphasCumprod[Require(timestep)];

    private int Require(long timestep) =>
        timestep >= 0 && timestep < Betas.Length
            ? (int)timestep
            : throw new ArgumentOutOfRangeException(null, $"The schedule has timesteps 0 … {Betas.Length - 1}, got {timestep}.");

    // √ᾱ_t and √(1-ᾱ_t) of each picture, shaped to multiply (B, …).
    private (Tensor Signal, Tensor Sigma) Rates(Tensor originalSamples, Tensor noise, Tensor timesteps)
    {
        if (timesteps.dim() != 1 || timesteps.shape[0] != originalSamples.shape[0])
        {
            throw new ArgumentException(
                $"timesteps has shape [{string.Join(", ", timesteps.shape)}]; {originalSamples.shape[0]} pictures need [{originalSamples.shape[0]}].");
        }

        if (!noise.shape.SequenceEqual(originalSamples.shape))
        {
            throw new ArgumentException(
                $"noise has shape [{string.Join(", ", noise.shape)}]; the samples have [{string.Join(", ", originalSamples.shape)}].");
        }

        double[] alphasCumprod = [.. timesteps.cpu().to(int64).data<long>().Select(t => AlphasCumprod[Require(t)])];
        long[] broadcast = [.. originalSamples.shape.Select((length, axis) => axis == 0 ? length : 1)];
        Tensor Table(Func<double, double> rate) =>
            tensor(alphasCumprod.Select(rate).ToArray()).to(originalSamples.dtype, originalSamples.device).view(broadcast);
        return (Table(Math.Sqrt), Table(value => Math.Sqrt(1 - value)));
    }
}
