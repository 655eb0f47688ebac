using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi;

// Between prompt and picture: latents to start from, the reverse process step by step, and what the VAE makes of its end.
public sealed partial class StableDiffusionPipeline
{
    /// <summary>Noise to start from: the run's initial sigma times unit-variance noise.</summary>
    /// <param name="run">A run from pure noise.</param>
    /// <param name="shape">(B, C, H/f, W/f); see <see cref="LatentShape"/>.</param>
    /// <param name="generators">One for each picture.</param>
    /// <param name="noise">The unit-variance noise of that shape, or null to draw it.</param>
    /// <returns>Latents (B, C, H/f, W/f), float32 on the UNet's device.</returns>
    /// <exception cref="ArgumentException">The noise has another shape.</exception>
    public Tensor InitialLatents(SchedulerRun run, long[] shape, IReadOnlyList<Generator> generators, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        noise = noise is null ? ImageNoise.Draw(shape, generators) : CheckShape(noise, shape);
        return (noise.to(float32).to(Device) * run.InitNoiseSigma).MoveToOuterDisposeScope();
    }

    /// <summary>The shape of the latents of pictures of that size, (B, C, H/f, W/f).</summary>
    /// <param name="batchSize">Number of pictures B.</param>
    /// <param name="options">Gives height and width; the model's own where null.</param>
    public long[] LatentShape(int batchSize, GenerationOptions? options = null)
    {
        int factor = VaeConfig.DownscaleFactor;
        long height = options?.Height / factor ?? SampleSize;
        long width = options?.Width / factor ?? SampleSize;
        return [batchSize, UNetConfig.InChannels, height, width];
    }

    /// <summary>
    /// Image to image: noises the latents of a picture to the timestep at which the loop starts (SDEdit, arXiv 2108.01073).
    /// </summary>
    /// <param name="run">A run of less than full strength.</param>
    /// <param name="latents">Scaled latents of the picture (B, C, H/f, W/f), float32; see <see cref="EncodeImage"/>.</param>
    /// <param name="noise">Unit-variance noise (B, C, H/f, W/f).</param>
    /// <returns>x_t to start from (B, C, H/f, W/f), float32 on the UNet's device.</returns>
    /// <exception cref="ArgumentException">The noise has another shape.</exception>
    public Tensor NoisedLatents(SchedulerRun run, Tensor latents, Tensor noise)
    {
        using var scope = NewDisposeScope();
        Tensor unitNoise = CheckShape(noise, latents.shape).to(float32).to(Device);
        return run.AddNoise(latents.to(Device), unitNoise).MoveToOuterDisposeScope();
    }

    /// <summary>Pictures to scaled latents, sampled from the VAE's posterior with one generator for each picture.</summary>
    /// <param name="image">Pictures (1 or B, 3, H, W) in [-1, 1].</param>
    /// <param name="generators">B generators.</param>
    /// <returns>Latents (B, C, H/f, W/f) times the scaling factor, float32 on the UNet's device.</returns>
    public Tensor EncodeImage(Tensor image, IReadOnlyList<Generator> generators)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        using DiagonalGaussianDistribution posterior = _vae.Use().Encode(image.to(Device)); // (1 or B, C, H/f, W/f)
        Tensor noise = ImageNoise.Draw([generators.Count, .. posterior.Mean.shape[1..]], generators, Device);
        Tensor latents = posterior.Sample(noise).to(float32) * VaeConfig.ScalingFactor;
        return latents.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The reverse process: turns noise into latents of a picture, a step at a time, as the caller asks for the next one.
    /// </summary>
    /// <param name="run">A run that has taken no step yet, such as <c>Scheduler.Begin(50)</c>. The caller keeps it.</param>
    /// <param name="latents">Where to start, (B, C, H/f, W/f), float32. The caller keeps it.</param>
    /// <param name="prompt">Conditioning of B pictures.</param>
    /// <param name="guidanceScale">Guidance scale w; that of <see cref="DefaultOptions"/> if null. Without an unconditional half it has no effect.</param>
    /// <param name="generators">One for each picture, for schedulers that add noise; may be null for those that do not.</param>
    /// <param name="guidanceRescale">Guidance rescale φ, 0 to 1; that of <see cref="DefaultOptions"/> if null.</param>
    /// <param name="guidanceInterval">Noise levels σ above the first and up to the second are guided, the others follow the prompt alone; all if null.</param>
    /// <param name="inpainting">What is put back after every step; null for none.</param>
    /// <param name="forecast">Which calls of the network are left out; none if null.</param>
    /// <param name="cancellationToken">Ends the loop between two steps; so does <see cref="Interruption"/>.</param>
    /// <returns>The steps; each one's tensors are disposed when the next is asked for.</returns>
    public IEnumerable<DenoisingStep> Denoise(
        SchedulerRun run,
        Tensor latents,
        PromptEmbeddings prompt,
        double? guidanceScale = null,
        IReadOnlyList<Generator>? generators = null,
        double? guidanceRescale = null,
        (double Above, double UpTo)? guidanceInterval = null,
        Inpainting? inpainting = null,
        SpectrumOptions? forecast = null,
        CancellationToken cancellationToken = default)
    {
        GenerationOptions usual = DefaultOptions;
        double scale = guidanceScale ?? usual.GuidanceScale, rescale = guidanceRescale ?? usual.GuidanceRescale ?? 0;
        IReadOnlyList<double> timesteps = run.Timesteps;
        using SpectrumForecast? spectrum = forecast is null ? null : new SpectrumForecast(forecast, timesteps.Count);
        using IDisposable hold = _unet.Hold(); // also while a caller decodes previews between the steps
        using ContextCache keysAndValues = new(_unet.Use(), prompt.Context); // the text is the same in all steps
        Tensor sample = latents;
        bool? wasGuided = null;
        try
        {
            for (int i = run.Taken; i < timesteps.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Interruption.Token.ThrowIfCancellationRequested();
                bool guided = guidanceInterval is not { } interval || (run.Sigma > interval.Above && run.Sigma <= interval.UpTo);
                if (guided != wasGuided)
                {
                    spectrum?.Restart();
                }

                (bool isForecast, wasGuided) = (spectrum?.IsDue ?? false, guided);
                double? ownScale = guided ? scale : null;
                using Tensor noise = isForecast ? Forecast(run, sample, spectrum!) : PredictNoise(run, sample, prompt, ownScale, rescale, spectrum);
                SchedulerOutput output = Step(run, noise, sample, generators, inpainting);
                if (!ReferenceEquals(sample, latents))
                {
                    sample.Dispose();
                }

                sample = output.PrevSample;
                using Tensor predOriginalSample = output.PredOriginalSample;
                yield return new DenoisingStep(i, timesteps.Count, timesteps[i], sample, predOriginalSample) { IsForecast = isForecast };
            }
        }
        finally
        {
            if (!ReferenceEquals(sample, latents))
            {
                sample.Dispose();
            }
        }
    }

    private Tensor PredictNoise(SchedulerRun run, Tensor sample, PromptEmbeddings prompt, double? guidanceScale, double guidanceRescale, SpectrumForecast? spectrum)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor noise = PredictNoise(run.ScaleModelInput(sample), run.Timesteps[run.Taken], prompt, guidanceScale, guidanceRescale);
        if (spectrum is not null)
        {
            spectrum.Add(run.ToOriginalSample(noise, sample));
        }

        return noise.MoveToOuterDisposeScope();
    }

    private static Tensor Forecast(SchedulerRun run, Tensor sample, SpectrumForecast spectrum)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        return run.ToModelOutput(spectrum.Predict(), sample).MoveToOuterDisposeScope();
    }

    private static SchedulerOutput Step(SchedulerRun run, Tensor noise, Tensor sample, IReadOnlyList<Generator>? generators, Inpainting? inpainting)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        SchedulerOutput output = run.Step(noise, sample, generators);
        Tensor next = inpainting?.PutBack(run, output.PrevSample) ?? output.PrevSample;
        return new SchedulerOutput(next.MoveToOuterDisposeScope(), output.PredOriginalSample.MoveToOuterDisposeScope());
    }

    /// <summary>The UNet's prediction for one timestep, with classifier-free guidance (eq. (6) of arXiv 2207.12598).</summary>
    /// <param name="sample">x_t, (B, C, H/f, W/f).</param>
    /// <param name="timestep">Training timestep t.</param>
    /// <param name="prompt">Conditioning of B pictures.</param>
    /// <param name="guidanceScale">Guidance scale w; null follows the prompt alone, at half the cost.</param>
    /// <param name="guidanceRescale">φ of arXiv 2305.08891, section 3.4: 1 gives every picture's prediction the deviation of the one that follows the prompt alone, 0 leaves it.</param>
    /// <returns>Predicted noise (B, C, H/f, W/f), float32.</returns>
    public Tensor PredictNoise(Tensor sample, double timestep, PromptEmbeddings prompt, double? guidanceScale, double guidanceRescale = 0)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor t = tensor(timestep, dtype: float32, device: sample.device);
        if (prompt.Unconditional is null || guidanceScale is not { } scale)
        {
            Tensor context = prompt.Unconditional is null ? prompt.Context : prompt.Conditional;
            return _unet.Use().call(sample, t, context).to(float32).MoveToOuterDisposeScope(); // (B, C, H/f, W/f)
        }

        Tensor noise = _unet.Use().call(sample, t, prompt.Context).to(float32);             // (2B, C, H/f, W/f)
        Tensor[] halves = noise.chunk(2);
        (Tensor unconditional, Tensor conditional) = (halves[0], halves[1]);
        Tensor guided = unconditional + scale * (conditional - unconditional);
        return (guidanceRescale == 0 ? guided : Rescaled(guided, conditional, guidanceRescale)).MoveToOuterDisposeScope();
    }

    private static Tensor Rescaled(Tensor guided, Tensor conditional, double rescale)
    {
        using var scope = NewDisposeScope();
        Tensor matched = guided * (Deviation(conditional) / Deviation(guided));
        return (rescale * matched + (1 - rescale) * guided).MoveToOuterDisposeScope();

        static Tensor Deviation(Tensor x) => x.flatten(1).std(1).reshape(-1, 1, 1, 1); // (B, 1, 1, 1)
    }

    /// <summary>Latents to pictures.</summary>
    /// <param name="latents">Scaled latents (B, C, H/f, W/f).</param>
    /// <returns>Pictures (B, 3, H, W), float32 on the CPU, clamped to [-1, 1].</returns>
    public Tensor Decode(Tensor latents)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor unscaled = latents.to(Device).div(VaeConfig.ScalingFactor);
        // One at a time: the decoder's maps at full size are the largest tensors of a generation, and a batch of them is no faster.
        AutoencoderKL vae = _vae.Use();
        Tensor[] pictures = [.. unscaled.split(1).Select(one => vae.Decode(one).to(float32).clamp(-1, 1).cpu())];
        return cat(pictures).MoveToOuterDisposeScope();
    }

    /// <summary>Latents to pictures by the tiny decoder, for a fraction of the time and memory: previews between the steps, drafts.</summary>
    /// <param name="latents">Scaled latents (B, C, H/f, W/f), such as a step's <see cref="DenoisingStep.PredOriginalSample"/>.</param>
    /// <returns>Pictures (B, 3, H, W), float32 on the CPU, clamped to [-1, 1].</returns>
    /// <exception cref="InvalidOperationException">There is no tiny decoder.</exception>
    public Tensor DecodeDraft(Tensor latents)
    {
        TinyDecoder decoder = TinyDecoder ?? throw new InvalidOperationException("There is no tiny decoder: LoadTinyVae reads one.");
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        return cat([.. latents.to(Device).split(1).Select(one => decoder.call(one).to(float32).clamp(-1, 1).cpu())]).MoveToOuterDisposeScope();
    }

    private static Tensor CheckShape(Tensor noise, long[] shape) => noise.shape.SequenceEqual(shape)
        ? noise
        : throw new ArgumentException(
            $"The latents have shape ({string.Join(", ", noise.shape)}), this call needs ({string.Join(", ", shape)}): (prompts x pictures, channels, height / factor, width / factor).");
}
