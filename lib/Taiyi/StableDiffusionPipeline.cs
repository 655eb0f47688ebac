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
/// (8 for Taiyi and taiyi-mini), L tokens, D the text encoder's width. Between the steps latents are float32 on the
/// UNet's device, whatever dtype the networks compute in.
/// </remarks>
public sealed partial class StableDiffusionPipeline : IDisposable
{
    private readonly NetworkSlot<BertTextEncoder> _textEncoder;
    private readonly NetworkSlot<UNet2DConditionModel> _unet;
    private readonly NetworkSlot<AutoencoderKL> _vae;
    private Scheduler? _scheduler;

    /// <summary>Builds a pipeline, which takes ownership of the networks.</summary>
    public StableDiffusionPipeline(BertTokenizer tokenizer, BertTextEncoder textEncoder, UNet2DConditionModel unet, AutoencoderKL vae)
    {
        Tokenizer = tokenizer;
        (_textEncoder, _unet, _vae) = (new(textEncoder), new(unet), new(vae));
        (TextEncoderConfig, UNetConfig, VaeConfig) = (textEncoder.Config, unet.Config, vae.Config);
        Tensor weight = unet.parameters().First();
        (Device, DType) = (weight.device, weight.dtype);
    }

    // Networks that are read when they are needed.
    private StableDiffusionPipeline(ModelFolder folder, Device device, ScalarType dtype)
    {
        Tokenizer = folder.LoadTokenizer();
        (Device, DType) = (device, dtype);
        (TextEncoderConfig, UNetConfig, VaeConfig) = (folder.TextEncoderConfig, folder.UNetConfig, folder.VaeConfig);
        _textEncoder = new(() => folder.LoadTextEncoder(device, dtype), LetGoOfNetworks);
        _unet = new(() => folder.LoadUNet(device, dtype), LetGoOfNetworks);
        _vae = new(() => folder.LoadVae(device, dtype), LetGoOfNetworks);
    }

    /// <summary>Reads a model folder (a Hugging Face snapshot) or a single LDM checkpoint.</summary>
    /// <param name="path">The folder or file; see <see cref="ModelFolder"/>.</param>
    /// <param name="device">Where the networks live; the CPU if null.</param>
    /// <param name="dtype">What their weights are kept in; <see cref="Precision.Default"/> of the device if null.</param>
    /// <param name="loading">When the networks are in memory; what is read only when it is needed is also found damaged only then.</param>
    /// <exception cref="CheckpointException">The folder is no model, or a file in it is damaged or does not fit.</exception>
    /// <exception cref="ArgumentException">The networks do not support the dtype.</exception>
    public static StableDiffusionPipeline FromPretrained(
        string path, Device? device = null, ScalarType? dtype = null, NetworkLoading loading = NetworkLoading.Automatic)
    {
        device ??= CPU;
        ScalarType weightDType = Precision.Check(dtype ?? Precision.Default(device));
        ModelFolder folder = ModelFolder.Open(path);
        bool whenNeeded = loading == NetworkLoading.WhenNeeded
            || (loading == NetworkLoading.Automatic && device.type == TorchSharp.DeviceType.CPU && ModelMemory.IsShort(folder, weightDType));
        return whenNeeded
            ? new StableDiffusionPipeline(folder, device, weightDType) { Defaults = folder.Defaults, SchedulerConfig = folder.SchedulerConfig }
            : new StableDiffusionPipeline(
                folder.LoadTokenizer(),
                folder.LoadTextEncoder(device, weightDType),
                folder.LoadUNet(device, weightDType),
                folder.LoadVae(device, weightDType))
            { Defaults = folder.Defaults, SchedulerConfig = folder.SchedulerConfig };
    }

    /// <summary>Chinese text to token ids.</summary>
    public BertTokenizer Tokenizer { get; }

    /// <summary>Token ids (B, L) to hidden states (B, L, D). Who asks for it keeps it in memory, as the two others.</summary>
    public BertTextEncoder TextEncoder => _textEncoder.Keep();

    /// <summary>Noisy latents, timestep and hidden states to the predicted noise (B, C, H/f, W/f).</summary>
    public UNet2DConditionModel UNet => _unet.Keep();

    /// <summary>Pictures to latents and back.</summary>
    public AutoencoderKL Vae => _vae.Keep();

    /// <summary>Sizes of the text encoder, which need not be in memory.</summary>
    public BertConfig TextEncoderConfig { get; }

    /// <summary>Sizes of the UNet, which need not be in memory.</summary>
    public UNet2DConditionConfig UNetConfig { get; }

    /// <summary>Sizes of the VAE, which need not be in memory, and its scaling factor.</summary>
    public AutoencoderKLConfig VaeConfig { get; }

    /// <summary>A small decoder for previews and drafts, that <see cref="LoadTinyVae"/> read; null if none.</summary>
    public TinyDecoder? TinyDecoder { get; private set; }

    /// <summary>Side of the latents that the model was trained at; 64, as of Stable Diffusion v1, where its config is silent.</summary>
    public int SampleSize => UNetConfig.SampleSize ?? 64;

    /// <summary>Where the networks live.</summary>
    public Device Device { get; }

    /// <summary>What the networks' weights are kept in; they compute in <see cref="Precision.ComputeDType"/> of it.</summary>
    public ScalarType DType { get; }

    // Text encoder, UNet, VAE.
    internal IReadOnlyList<INetworkSlot> Networks => [_textEncoder, _unet, _vae];

    /// <summary>All weights that a picture follows from, the tiny decoder's too. Each is to be read before the next is asked for: its network may be let go then.</summary>
    internal IEnumerable<Tensor> Weights() => Networks.SelectMany(network => network.Use().parameters()).Concat(TinyDecoder?.parameters() ?? []);

    private void LetGoOfNetworks()
    {
        foreach (INetworkSlot network in Networks)
        {
            network.LetGo();
        }
    }

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
        adapter.Name = LoraFile.NameOf(path);
        _loraAdapters.Add(adapter);
        return adapter;
    }

    /// <summary>Removes a LoRA from the UNet and disposes it.</summary>
    public void UnloadLora(LoraAdapter adapter)
    {
        _loraAdapters.Remove(adapter);
        adapter.Dispose();
    }

    /// <summary>Reads a tiny VAE's decoder, such as TAESD's, for <see cref="DecodeDraft"/> and <see cref="GenerationOptions.Draft"/>; in the place of an earlier one.</summary>
    /// <param name="path">A file or folder; see <see cref="TinyVae"/>.</param>
    /// <exception cref="CheckpointException">It is no tiny VAE, or one of another latent space.</exception>
    public void LoadTinyVae(string path)
    {
        TinyDecoder decoder = TinyVae.LoadDecoder(path, Device, DType);
        (int Channels, int Factor) own = (VaeConfig.LatentChannels, VaeConfig.DownscaleFactor), its = (decoder.Config.LatentChannels, decoder.Config.DownscaleFactor);
        if (own != its)
        {
            decoder.Dispose();
            throw new CheckpointException($"The tiny VAE '{path}' was made for another model: its latents have {its.Channels} channels and its factor is {its.Factor}, this model's {own.Channels} and {own.Factor}.");
        }

        TinyDecoder?.Dispose();
        TinyDecoder = decoder;
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
                if (one.Vectors.shape[1] != TextEncoderConfig.HiddenSize)
                {
                    throw new CheckpointException(
                        $"The textual inversion '{path}' was taught to another text encoder: the vectors of '{one.Word}' have {one.Vectors.shape[1]} values, and this one's have {TextEncoderConfig.HiddenSize}.");
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
            run, latents, embeddings, options.GuidanceScale, seeds.Generators, options.GuidanceRescale, options.GuidanceInterval, inpainting, options.Forecast, cancellationToken))
        {
            progress?.Report(step);
            if (step.Index == step.Total - 1)
            {
                latents = step.Latents.alias();
            }
        }

        Tensor images = options.Draft ? DecodeDraft(latents) : Decode(latents);
        return new GenerationResult(
            images.ToImages(),
            images.MoveToOuterDisposeScope(),
            latents.cpu().MoveToOuterDisposeScope(),
            [.. prompts.SelectMany(p => Enumerable.Repeat(p, options.NumImagesPerPrompt))],
            seeds.Seeds,
            embeddings.TruncatedText)
        {
            Warnings = embeddings.Warnings,
            Sampler = Scheduler.GetType().Name,
            Loras = [.. _loraAdapters.Where(lora => lora.Enabled && lora.Weight != 0).Select(lora => (lora.Name, lora.Weight))],
        };
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
        return _textEncoder.Use().call(ids);                                                         // (B, L, D)
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loraAdapters.ForEach(adapter => adapter.Dispose());
        TinyDecoder?.Dispose();
        foreach (INetworkSlot network in Networks)
        {
            network.Dispose();
        }
    }
}
