using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Files;
using Taiyi.Models;
using Taiyi.Snapshots;
using Taiyi.Training;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Trains text encoder and UNet together, from nothing or from those of a model, in the latents of a given VAE.</summary>
public sealed class DiffusionPretrainer : Pretrainer
{
    private const int SheetColumns = 8;

    private static readonly double[] SheetGuidances = [3, 7.5];

    // A small model knows its pictures by heart at the guidance that suits a large one.
    private static readonly ModelDefaults SmallModelDefaults = new(GuidanceScale: 3, NumInferenceSteps: 50, Scheduler: "pndm", GuidanceRescale: 0.7);

    private readonly PretrainingRun<DiffusionPretrainingOptions> _run;
    private readonly string _modelFolder;
    private readonly StableDiffusionPipeline _pipeline;
    private readonly AutoencoderKL _vae; // as it was read, in float32, to be written again: the pipeline's may be rounded to bfloat16
    private readonly DiffusionLoss _loss;
    private readonly LatentStream _latents;

    /// <summary>Builds the networks, or goes on with those of the run's newest checkpoint; writes the tokenizer into the model's folder.</summary>
    /// <param name="run">The folder of the run, new or to be resumed.</param>
    /// <param name="pictures">The data of the run's options.</param>
    /// <param name="modelFolder">The model's folder; its VAE may already be in it.</param>
    /// <param name="device">Where to compute; the CPU if null.</param>
    /// <exception cref="CheckpointException">The VAE or the initial model is missing or damaged, or does not fit the size of the pictures.</exception>
    /// <exception cref="TrainingException">The run's checkpoint was trained on other data.</exception>
    public DiffusionPretrainer(PretrainingRun<DiffusionPretrainingOptions> run, IPictureSource pictures, string modelFolder, Device? device = null)
        : base(run, run.Options, pictures)
    {
        (_run, _modelFolder) = (run, modelFolder);
        DiffusionPretrainingOptions options = run.Options;
        _pipeline = options.InitialModel is { } initial ? ReadNetworks(ModelFolder.Open(initial), options, device) : NewNetworks(options, device);
        AutoencoderKL vae = _pipeline.Vae;
        _vae = SnapshotWriter.ReadVae(options.VaeFolder);
        _loss = new DiffusionLoss(_pipeline.UNet, _pipeline.SchedulerConfig, vae.Config.ScalingFactor, options.SnrGamma, options.DebiasedEstimation);
        _latents = new LatentStream(pictures, vae, Random, options.BatchSize, options.LatentReuse);
        Start([.. WeightsOf("text_encoder", _pipeline.TextEncoder), .. WeightsOf("unet", _pipeline.UNet)]);
    }

    /// <summary>The networks, in training.</summary>
    public StableDiffusionPipeline Pipeline => _pipeline;

    /// <inheritdoc/>
    protected override Tensor ComputeLoss(long pass, Generator generator)
    {
        using var scope = NewDisposeScope();
        LatentBatch latents = _latents.Batch(pass);
        Tensor dropped = rand([latents.Numbers.Length], ScalarType.Float32, CPU, generator: generator);
        Tensor context = _pipeline.TextEncoder.call(Tokens(latents, dropped.data<float>().ToArray()));                // (B, L, D)
        using TrainingBatch batch = new(latents.Mean, latents.Deviation, context);
        using DiffusionDraws draws = DiffusionDraws.Draw(
            latents.Mean.shape, _pipeline.SchedulerConfig.NumTrainTimesteps, generator, _run.Options.NoiseOffset, _pipeline.Device);
        return _loss.Compute(batch, draws).MoveToOuterDisposeScope();
    }

    // The prompts in rows of eight, once for each guidance: what overshoots at 7.5 has learned its pictures by heart.
    /// <inheritdoc/>
    protected override void DrawSamples(string path, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        List<IReadOnlyList<Image<Rgb24>>> rows = [];
        foreach (double guidance in SheetGuidances)
        {
            GenerationOptions options = new() { Seed = 7, GuidanceScale = guidance, NumInferenceSteps = 25 };
            using GenerationResult result = _pipeline.Generate(_run.Options.SamplePrompts, options, cancellationToken: cancellationToken);
            rows.AddRange(result.Images.Chunk(SheetColumns));
        }

        ImageFile.WritePng(path, ContactSheet.Compose(rows));
    }

    private protected override void WriteModel(CancellationToken cancellationToken) =>
        SnapshotWriter.Write(_modelFolder, _pipeline.TextEncoder, _pipeline.UNet, _vae, _pipeline.SchedulerConfig, SmallModelDefaults);

    private protected override void DisposeNetworks()
    {
        _latents.Dispose();
        _vae.Dispose();
        _pipeline.Dispose();
    }

    private StableDiffusionPipeline NewNetworks(DiffusionPretrainingOptions options, Device? device)
    {
        AutoencoderKL vae = SnapshotWriter.ReadVae(options.VaeFolder, device, DType);
        IReadOnlyList<string> vocabulary = Vocabulary.Build(Pictures.Texts);
        StableDiffusionPipeline pipeline = new(
            WriteTokenizer(vocabulary, options.TextEncoder.MaxPositionEmbeddings),
            new BertTextEncoder(options.TextEncoder with { VocabSize = vocabulary.Count }, device, DType),
            new UNet2DConditionModel(ForLatents(options.UNet, vae.Config), device, DType),
            vae)
        { SchedulerConfig = options.Scheduler };
        Initialize(pipeline.TextEncoder, "first weights of the text encoder");
        Initialize(pipeline.UNet, "first weights of the UNet");
        return pipeline;
    }

    private StableDiffusionPipeline ReadNetworks(ModelFolder model, DiffusionPretrainingOptions options, Device? device)
    {
        AutoencoderKL vae = SnapshotWriter.ReadVae(options.VaeFolder, device, DType);
        UNet2DConditionModel unet = new(ForLatents(model.UNetConfig, vae.Config), device, DType);
        Initialize(unet, "first weights of the UNet");
        using (UNet2DConditionModel trained = model.LoadUNet(device, DType))
        {
            WarmStart.Copy(trained, unet);
        }

        string[] vocabulary = File.ReadAllLines(Path.Combine(model.TokenizerFolder, "vocab.txt"));
        return new StableDiffusionPipeline(
            WriteTokenizer(vocabulary, model.TextEncoderConfig.MaxPositionEmbeddings), model.LoadTextEncoder(device, DType), unet, vae)
        { Defaults = model.Defaults, SchedulerConfig = model.SchedulerConfig };
    }

    private UNet2DConditionConfig ForLatents(UNet2DConditionConfig unet, AutoencoderKLConfig vae) => unet with
    {
        SampleSize = Pictures.Size / vae.DownscaleFactor,
        InChannels = vae.LatentChannels,
        OutChannels = vae.LatentChannels,
    };

    private BertTokenizer WriteTokenizer(IReadOnlyList<string> vocabulary, int maxLength)
    {
        string folder = Path.Combine(_modelFolder, "tokenizer");
        Vocabulary.WriteTokenizer(folder, vocabulary, maxLength);
        return BertTokenizer.FromFolder(folder, maxLength);
    }

    private Tensor Tokens(LatentBatch latents, float[] dropped)
    {
        long[] ids =
        [
            .. latents.Numbers
                .Select((number, i) => dropped[i] < _run.Options.CaptionDropout ? "" : Pictures.Caption(number, latents.Wording))
                .SelectMany(caption => _pipeline.Tokenizer.Encode(caption).PaddedIds),
        ];
        return tensor(ids, [latents.Numbers.Length, ids.Length / latents.Numbers.Length], device: _pipeline.Device); // (B, L)
    }
}
