using Taiyi.Data;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Models;
using Taiyi.Schedulers;
using Taiyi.Snapshots;
using static TorchSharp.torch;

namespace Taiyi;

/// <summary>
/// From a Chinese prompt to a picture: <see cref="EncodePrompt"/>, <see cref="InitialLatents"/>, <see cref="Denoise"/>,
/// <see cref="Decode"/>, and <see cref="Generate(IReadOnlyList{string}, GenerationOptions, IProgress{DenoisingStep}, CancellationToken)"/>
/// over them.
/// </summary>
/// <remarks>
/// Latent diffusion, arXiv 2112.10752; the same computation as diffusers' <c>StableDiffusionPipeline</c>,
/// <c>StableDiffusionImg2ImgPipeline</c> and <c>StableDiffusionInpaintPipeline</c>. Shapes: B pictures, C latent channels, H x W pixels, f the VAE's factor
/// (8 for Taiyi, 4 for taiyi-mini), L tokens, D the text encoder's width. Between the steps latents are float32 on the
/// UNet's device, whatever dtype the networks compute in.
/// </remarks>
public sealed class StableDiffusionPipeline : IDisposable
{
    private Scheduler? _scheduler;

    /// <summary>Builds a pipeline, which takes ownership of the networks.</summary>
    public StableDiffusionPipeline(BertTokenizer tokenizer, BertTextEncoder textEncoder, UNet2DConditionModel unet, AutoencoderKL vae)
    {
        (Tokenizer, TextEncoder, UNet, Vae) = (tokenizer, textEncoder, unet, vae);
        Tensor weight = unet.parameters().First();
        (Device, DType) = (weight.device, weight.dtype);
    }

    /// <summary>Reads a model folder (a Hugging Face snapshot) or a single LDM checkpoint.</summary>
    /// <param name="path">The folder or file; see <see cref="ModelFolder"/>.</param>
    /// <param name="device">Where the networks live; the CPU if null.</param>
    /// <param name="dtype">What their weights are kept in; <see cref="Precision.Default"/> of the device if null.</param>
    /// <exception cref="CheckpointException">The folder is no model, or a file in it is damaged or does not fit.</exception>
    /// <exception cref="ArgumentException">The networks do not support the dtype.</exception>
    public static StableDiffusionPipeline FromPretrained(string path, Device? device = null, ScalarType? dtype = null)
    {
        device ??= CPU;
        ScalarType weightDType = Precision.Check(dtype ?? Precision.Default(device));
        ModelFolder folder = ModelFolder.Open(path);
        return new StableDiffusionPipeline(
            folder.LoadTokenizer(),
            folder.LoadTextEncoder(device, weightDType),
            folder.LoadUNet(device, weightDType),
            folder.LoadVae(device, weightDType))
        { Defaults = folder.Defaults, SchedulerConfig = folder.SchedulerConfig };
    }

    /// <summary>Chinese text to token ids.</summary>
    public BertTokenizer Tokenizer { get; }

    /// <summary>Token ids (B, L) to hidden states (B, L, D).</summary>
    public BertTextEncoder TextEncoder { get; }

    /// <summary>Noisy latents, timestep and hidden states to the predicted noise (B, C, H/f, W/f).</summary>
    public UNet2DConditionModel UNet { get; }

    /// <summary>Pictures to latents and back.</summary>
    public AutoencoderKL Vae { get; }

    /// <summary>Side of the latents that the model was trained at; 64, as of Stable Diffusion v1, where its config is silent.</summary>
    public int SampleSize => UNet.Config.SampleSize ?? 64;

    /// <summary>Where the networks live.</summary>
    public Device Device { get; }

    /// <summary>What the networks' weights are kept in; they compute in <see cref="Precision.ComputeDType"/> of it.</summary>
    public ScalarType DType { get; }

    /// <summary>The noise schedule that the model's folder describes: give it to another scheduler of the same model.</summary>
    public SchedulerConfig SchedulerConfig { get; init; } = new();

    /// <summary>What looks best with this model, as its folder says; fields that it does not name are null.</summary>
    public ModelDefaults Defaults { get; init; } = new();

    /// <summary>
    /// How this model draws where the caller chooses nothing: <see cref="Defaults"/>, and the original project's values for what they
    /// do not name. <c>pipeline.DefaultOptions with { Seed = 3 }</c> changes one of them.
    /// </summary>
    public GenerationOptions DefaultOptions => GenerationOptions.For(Defaults);

    /// <summary>
    /// The sampler in use. Until another is set it is the model's own: the one that its <c>taiyi.json</c> names, else that of its
    /// <c>scheduler_config.json</c> with all its settings.
    /// </summary>
    /// <exception cref="CheckpointException">The model's own is read for the first time and is not built in: set another.</exception>
    public Scheduler Scheduler
    {
        get => _scheduler ??= Defaults.Scheduler is { } name ? Schedulers.Scheduler.Create(name, SchedulerConfig) : Schedulers.Scheduler.FromConfig(SchedulerConfig);
        set => _scheduler = value;
    }

    /// <summary>The LoRA adapters in the UNet, in the order they were loaded; their weights may be changed between two calls.</summary>
    public IReadOnlyList<LoraAdapter> LoraAdapters => _loraAdapters;

    private readonly List<LoraAdapter> _loraAdapters = [];

    /// <summary>Adds a LoRA to the UNet, beside those already loaded: W + sum of weight (alpha / r) B A. Base weights are not changed.</summary>
    /// <param name="path">A LoRA file or folder of any known format.</param>
    /// <param name="weight">Its strength: 0 is off, 1 as trained.</param>
    /// <returns>The adapter; the pipeline owns it.</returns>
    /// <exception cref="CheckpointException">The file is no LoRA, or one of another base.</exception>
    public LoraAdapter LoadLora(string path, double weight = 1)
    {
        LoraAdapter adapter = LoraAdapter.Load(UNet, path, weight);
        _loraAdapters.Add(adapter);
        return adapter;
    }

    /// <summary>Removes a LoRA from the UNet and disposes it.</summary>
    public void UnloadLora(LoraAdapter adapter)
    {
        _loraAdapters.Remove(adapter);
        adapter.Dispose();
    }

    /// <summary>Teaches tokenizer and text encoder the words of a textual inversion; captions and prompts without them are read as before.</summary>
    /// <param name="path">A file of diffusers or of a web UI; see <see cref="TextualInversion.Read"/>.</param>
    /// <param name="word">What the word shall be; what the file says if null.</param>
    /// <returns>The words, as they are written in a prompt.</returns>
    /// <exception cref="CheckpointException">The file is no textual inversion, or one of another text encoder; the pipeline is as it was.</exception>
    /// <exception cref="ArgumentException">A word is taken: it is a token already.</exception>
    public IReadOnlyList<string> LoadTextualInversion(string path, string? word = null)
    {
        IReadOnlyList<TextualInversion> taught = TextualInversion.Read(path, word);
        try
        {
            foreach (TextualInversion one in taught)
            {
                if (one.Vectors.shape[1] != TextEncoder.Config.HiddenSize)
                {
                    throw new CheckpointException(
                        $"The textual inversion '{path}' was taught to another text encoder: the vectors of '{one.Word}' have {one.Vectors.shape[1]} values, and this one's have {TextEncoder.Config.HiddenSize}.");
                }

                if (Tokenizer.Knows(one.Word) || taught.Count(other => other.Word == one.Word) > 1)
                {
                    throw new ArgumentException($"The word '{one.Word}' of '{path}' is taken, this model reads it as a token already: give another one, such as {path}:<{one.Word.Trim('<', '>')}-2>.");
                }
            }

            foreach (TextualInversion one in taught)
            {
                Tokenizer.Add(one.Word, TextEncoder.AddTokens(one.Vectors));
            }

            return [.. taught.Select(one => one.Word)];
        }
        finally
        {
            foreach (TextualInversion one in taught)
            {
                one.Dispose();
            }
        }
    }

    /// <summary>Draws pictures of one prompt.</summary>
    /// <inheritdoc cref="Generate(IReadOnlyList{string}, GenerationOptions, IProgress{DenoisingStep}, CancellationToken)"/>
    public GenerationResult Generate(
        string prompt, GenerationOptions? options = null, IProgress<DenoisingStep>? progress = null, CancellationToken cancellationToken = default) =>
        Generate([prompt], options, progress, cancellationToken);

    /// <summary>Draws pictures of several prompts, all in one batch.</summary>
    /// <param name="prompts">Chinese prompts, 1 or more.</param>
    /// <param name="options">How to draw; <see cref="DefaultOptions"/> if null.</param>
    /// <param name="progress">Told of every step, on this thread, while the step's tensors live.</param>
    /// <param name="cancellationToken">Ends the call between two steps; so does <see cref="Interruption"/>.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled.</exception>
    public GenerationResult Generate(
        IReadOnlyList<string> prompts,
        GenerationOptions? options = null,
        IProgress<DenoisingStep>? progress = null,
        CancellationToken cancellationToken = default)
    {
        options = (options ?? DefaultOptions).CheckedFor(this, prompts);
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var seeds = new SeededGenerators(options.Seed, prompts.Count, options.NumImagesPerPrompt);

        using PromptEmbeddings embeddings = EncodePrompt(prompts, options.NegativePrompt, options.GuidanceScale > 1, options.NumImagesPerPrompt);
        using SchedulerRun run = Begin(options);
        (Tensor latents, Inpainting? inpainting) = Start(run, options, seeds.Generators);

        foreach (DenoisingStep step in Denoise(
            run, latents, embeddings, options.GuidanceScale, seeds.Generators, options.GuidanceRescale, options.GuidanceInterval, inpainting, cancellationToken))
        {
            progress?.Report(step);
            if (step.Index == step.Total - 1)
            {
                latents = step.Latents.alias();
            }
        }

        Tensor images = Decode(latents);
        return new GenerationResult(
            images.ToImages(),
            images.MoveToOuterDisposeScope(),
            latents.cpu().MoveToOuterDisposeScope(),
            [.. prompts.SelectMany(p => Enumerable.Repeat(p, options.NumImagesPerPrompt))],
            seeds.Seeds,
            embeddings.TruncatedText)
        { Warnings = embeddings.Warnings };
    }

    /// <summary>Begins a run of the sampler with the steps that the options ask for.</summary>
    /// <param name="options">Number of steps, or timesteps or noise levels; the strength counts if there is a picture to start from.</param>
    /// <exception cref="ArgumentException">The sampler cannot take such steps.</exception>
    public SchedulerRun Begin(GenerationOptions options)
    {
        double strength = options.Image is null ? 1 : options.Strength;
        return options.Timesteps is { } timesteps ? Scheduler.BeginAt(timesteps, strength)
            : options.Sigmas is { } sigmas ? Scheduler.BeginAtSigmas(sigmas, strength)
            : Scheduler.Begin(options.NumInferenceSteps, strength);
    }

    private (Tensor Latents, Inpainting? Inpainting) Start(SchedulerRun run, GenerationOptions options, IReadOnlyList<Generator> generators)
    {
        if (options.Image is null)
        {
            return (InitialLatents(run, LatentShape(generators.Count, options), generators, options.Latents), null);
        }

        Tensor encoded = EncodeImage(options.Image, generators);
        Tensor noise = (options.Latents ?? ImageNoise.Draw(encoded.shape, generators)).to(float32).to(Device);
        if (options.Mask is null)
        {
            return (NoisedLatents(run, encoded, noise), null);
        }

        // At full strength nothing of the picture is below the mask, as in diffusers.
        Tensor latents = options.Strength == 1 ? InitialLatents(run, encoded.shape, generators, noise) : NoisedLatents(run, encoded, noise);
        return (latents, new Inpainting(encoded, noise, Inpainting.ToLatentMask(options.Mask, encoded)));
    }

    /// <summary>Prompts to the conditioning of the UNet, one row for each picture.</summary>
    /// <param name="prompts">Chinese prompts.</param>
    /// <param name="negativePrompt">The text that guidance leads away from.</param>
    /// <param name="withGuidance">False leaves the unconditional half out.</param>
    /// <param name="numImagesPerPrompt">How often each prompt's row is repeated.</param>
    public PromptEmbeddings EncodePrompt(
        IReadOnlyList<string> prompts, string negativePrompt = "", bool withGuidance = true, int numImagesPerPrompt = 1)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        TokenizedPrompt[] tokenized = [.. prompts.Select(p => Tokenizer.Encode(p))];
        TokenizedPrompt negative = Tokenizer.Encode(negativePrompt);
        Tensor conditional = EncodeTokens(tokenized).repeat_interleave(numImagesPerPrompt, dim: 0); // (B, L, D)
        Tensor? unconditional = withGuidance ? EncodeTokens([negative]).expand_as(conditional) : null; // (B, L, D)
        string[] unused = withGuidance || negativePrompt.Length == 0 ? [] : ["The negative prompt is not used: only a guidance scale above 1 leads away from it."];
        return new PromptEmbeddings(
            conditional.MoveToOuterDisposeScope(),
            unconditional?.MoveToOuterDisposeScope(),
            [.. tokenized.Select(t => t.CutText)])
        { Warnings = [.. tokenized.SelectMany(t => t.Losses("prompt")), .. withGuidance ? negative.Losses("negative prompt") : unused] };
    }

    private Tensor EncodeTokens(TokenizedPrompt[] prompts)
    {
        Tensor ids = cat([.. prompts.Select(p => p.ToTensor(Device))]);                              // (B, L)
        return TextEncoder.call(ids);                                                                // (B, L, D)
    }

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
        int factor = Vae.Config.DownscaleFactor;
        long height = options?.Height / factor ?? SampleSize;
        long width = options?.Width / factor ?? SampleSize;
        return [batchSize, UNet.Config.InChannels, height, width];
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
        using DiagonalGaussianDistribution posterior = Vae.Encode(image.to(Device)); // (1 or B, C, H/f, W/f)
        Tensor noise = ImageNoise.Draw([generators.Count, .. posterior.Mean.shape[1..]], generators, Device);
        Tensor latents = posterior.Sample(noise).to(float32) * Vae.Config.ScalingFactor;
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
        CancellationToken cancellationToken = default)
    {
        GenerationOptions usual = DefaultOptions;
        double scale = guidanceScale ?? usual.GuidanceScale, rescale = guidanceRescale ?? usual.GuidanceRescale ?? 0;
        IReadOnlyList<double> timesteps = run.Timesteps;
        using ContextCache keysAndValues = new(UNet, prompt.Context); // the text is the same in all steps
        Tensor sample = latents;
        try
        {
            for (int i = run.Taken; i < timesteps.Count; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Interruption.Token.ThrowIfCancellationRequested();
                bool guided = guidanceInterval is not { } interval || (run.Sigma > interval.Above && run.Sigma <= interval.UpTo);
                SchedulerOutput output = DenoiseOnce(run, sample, prompt, guided ? scale : null, rescale, generators, inpainting);
                if (!ReferenceEquals(sample, latents))
                {
                    sample.Dispose();
                }

                sample = output.PrevSample;
                using Tensor predOriginalSample = output.PredOriginalSample;
                yield return new DenoisingStep(i, timesteps.Count, timesteps[i], sample, predOriginalSample);
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

    private SchedulerOutput DenoiseOnce(
        SchedulerRun run, Tensor sample, PromptEmbeddings prompt, double? guidanceScale, double guidanceRescale, IReadOnlyList<Generator>? generators,
        Inpainting? inpainting)
    {
        using IDisposable noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor noise = PredictNoise(run.ScaleModelInput(sample), run.Timesteps[run.Taken], prompt, guidanceScale, guidanceRescale);
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
            return UNet.call(sample, t, context).to(float32).MoveToOuterDisposeScope(); // (B, C, H/f, W/f)
        }

        Tensor noise = UNet.call(sample, t, prompt.Context).to(float32);               // (2B, C, H/f, W/f)

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
        Tensor unscaled = latents.to(Device).div(Vae.Config.ScalingFactor);
        // One at a time: the decoder's maps at full size are the largest tensors of a generation, and a batch of them is no faster.
        Tensor[] pictures = [.. unscaled.split(1).Select(one => Vae.Decode(one).to(float32).clamp(-1, 1).cpu())];
        return cat(pictures).MoveToOuterDisposeScope();
    }

    private static Tensor CheckShape(Tensor noise, long[] shape) => noise.shape.SequenceEqual(shape)
        ? noise
        : throw new ArgumentException(
            $"The latents have shape ({string.Join(", ", noise.shape)}), this call needs ({string.Join(", ", shape)}): (prompts x pictures, channels, height / factor, width / factor).");

    /// <inheritdoc/>
    public void Dispose()
    {
        _loraAdapters.ForEach(adapter => adapter.Dispose());
        TextEncoder.Dispose();
        UNet.Dispose();
        Vae.Dispose();
    }
}
