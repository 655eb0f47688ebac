using Taiyi.Data;
using Taiyi.Lora;
using Taiyi.Schedulers;
using Taiyi.Training;
using Taiyi.Workshop.Pretraining;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace Taiyi.Workshop.Distillation;

/// <summary>
/// Distils a model into a LoRA with which it draws in a few unguided steps of LCM (LCM-LoRA, arXiv 2311.05556). The file is one like any
/// other: <c>pytorch_lora_weights.safetensors</c> in the run's folder.
/// </summary>
/// <remarks>While it lives its adapter is on the pipeline's UNet.</remarks>
public sealed class LcmLoraDistiller : Pretrainer
{
    private readonly PretrainingRun<DistillationOptions> _run;
    private readonly StableDiffusionPipeline _pipeline;
    private readonly ConsistencyLoss _loss;
    private readonly LatentStream _latents;

    /// <summary>Puts a new adapter on the pipeline's UNet, or that of the run's newest checkpoint.</summary>
    /// <param name="run">The folder of the run, new or to be resumed.</param>
    /// <param name="pictures">The data of the run's options, of the size that the model was trained at.</param>
    /// <param name="pipeline">The model; the caller keeps it.</param>
    /// <exception cref="TrainingException">The run's checkpoint was trained on other data, or another process trains in the folder.</exception>
    public LcmLoraDistiller(PretrainingRun<DistillationOptions> run, IPictureSource pictures, StableDiffusionPipeline pipeline)
        : base(run, run.Options, pictures)
    {
        (_run, _pipeline) = (run, pipeline);
        DistillationOptions options = run.Options;
        using Generator generator = Random.For("first weights", 0);
        Adapter = LoraAdapter.Inject(pipeline.UNet, options.Lora, generator);
        _loss = new ConsistencyLoss(pipeline.UNet, Adapter, pipeline.SchedulerConfig, options.SolverSteps);
        _latents = new LatentStream(pictures, pipeline.Vae, Random, options.BatchSize, options.LatentReuse);
        Start(Adapter.Layers.SelectMany(layer => new KeyValuePair<string, Parameter>[] { new(layer.Key + ".lora_A", layer.Value.A), new(layer.Key + ".lora_B", layer.Value.B) }));
    }

    /// <summary>The LoRA that is trained.</summary>
    public LoraAdapter Adapter { get; }

    /// <summary>The finished LoRA.</summary>
    public string LoraPath => Path.Combine(_run.Folder, LoraFile.DefaultFileName);

    /// <summary>LCM with the timesteps that were distilled: what the LoRA is to be drawn with, at a guidance scale of 1.</summary>
    public Scheduler Sampler =>
        Scheduler.Create("lcm", _pipeline.SchedulerConfig.For("lcm") with { OriginalInferenceSteps = _run.Options.SolverSteps });

    /// <inheritdoc/>
    protected override Tensor ComputeLoss(long pass, Generator generator)
    {
        using var scope = NewDisposeScope();
        DistillationOptions options = _run.Options;
        LatentBatch latents = _latents.Batch(pass);
        ConsistencyDraws draws = ConsistencyDraws.Draw(
            latents.Mean.shape, options.SolverSteps, (options.LeastGuidanceScale, options.LargestGuidanceScale), generator, _pipeline.Device);
        Tensor x0 = (latents.Mean + latents.Deviation * draws.Xi) * _pipeline.Vae.Config.ScalingFactor; // (B, C, H, W)
        using PromptEmbeddings captions = _pipeline.EncodePrompt([.. latents.Numbers.Select(number => Pictures.Caption(number, latents.Wording))]);
        return _loss.Compute(x0, captions.Conditional, captions.Unconditional!, draws).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void DrawSamples(string path, CancellationToken cancellationToken)
    {
        if (_run.Options.SamplePrompts.Count == 0)
        {
            return;
        }

        Scheduler before = _pipeline.Scheduler;
        _pipeline.Scheduler = Sampler;
        try
        {
            GenerationOptions options = new() { Seed = 7, GuidanceScale = 1, NumInferenceSteps = _run.Options.SampleSteps };
            using GenerationResult result = _pipeline.Generate(_run.Options.SamplePrompts, options, cancellationToken: cancellationToken);
            ImageFile.WritePng(path, ContactSheet.Compose([result.Images]));
        }
        finally
        {
            _pipeline.Scheduler = before;
        }
    }

    private protected override void WriteModel(CancellationToken cancellationToken) => LoraFile.Write(LoraPath, Adapter);

    /// <summary>Takes the adapter off the pipeline's UNet.</summary>
    private protected override void DisposeNetworks()
    {
        _latents.Dispose();
        Adapter.Dispose();
    }
}
