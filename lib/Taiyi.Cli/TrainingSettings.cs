using System.CommandLine;
using Taiyi.Training;

namespace Taiyi.Cli;

/// <summary>The options of <c>taiyi train</c> that change a recipe.</summary>
internal sealed class TrainingSettings
{
    private readonly Option<string?> _recipe = new Option<string?>("--recipe")
    {
        Description = "original: the original project's settings, which hardly move the weights (the default); practical: learns in minutes on taiyi-mini",
        HelpName = "NAME",
    }.AcceptOnly([.. LoraTrainingOptions.Recipes]);

    private readonly Option<double?> _epochs = new("--epochs") { Description = "Passes over the data", HelpName = "N" };
    private readonly Option<long?> _steps = new("--steps") { Description = "Optimizer steps, in place of epochs", HelpName = "N" };
    private readonly Option<double?> _learningRate = new("--lr") { Description = "Peak learning rate", HelpName = "RATE" };
    private readonly Option<int?> _rank = new("--rank") { Description = "Rank r of the update", HelpName = "R" };
    private readonly Option<double?> _alpha = new("--alpha") { Description = "The update is multiplied by alpha / r", HelpName = "A" };
    private readonly Option<double?> _dropout = new("--dropout") { Description = "Dropout of the LoRA's inputs, a probability", HelpName = "P" };
    private readonly Option<string[]> _targets = new("--target")
    {
        Description = "End of the path of modules that get an update, such as to_q or ff.net.2; may be given several times",
        HelpName = "MODULE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<int?> _batchSize = new("--batch-size") { Description = "Pictures in one pass", HelpName = "B" };
    private readonly Option<int?> _accumulate = new("--accumulate") { Description = "Passes in one optimizer step", HelpName = "N" };
    private readonly Option<double?> _snrGamma = new("--snr-gamma") { Description = "γ of the min-SNR weighting, which counts small noise less (5 is usual); 0 for none", HelpName = "G" };
    private readonly Option<bool?> _debiased = new("--debiased-estimation") { Description = "Count much noise more, where grounds and colours are decided (1 / √SNR); in place of min-SNR" };
    private readonly Option<double?> _noiseOffset = new("--noise-offset") { Description = "Deviation of the noise that a channel shares, so that grounds can change (0.1 is usual); 0 for none", HelpName = "X" };
    private readonly Option<double?> _captionDropout = new("--caption-dropout") { Description = "Share of passes with the empty caption, a probability", HelpName = "P" };
    private readonly Option<long?> _seed = SeedOption.Create("Seed of everything random, 0 to 2^64 - 1");
    private readonly Option<string[]> _samplePrompts = new("--sample-prompt")
    {
        Description = "Prompt of a sample picture; may be given several times",
        HelpName = "TEXT",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<int?> _sampleEvery = new("--sample-every") { Description = "Steps between two sets of sample pictures, 0 for none", HelpName = "N" };
    private readonly Option<int?> _checkpointEvery = new("--checkpoint-every") { Description = "Steps between two checkpoints", HelpName = "N" };
    private readonly Option<bool?> _gradientCheckpointing = new("--gradient-checkpointing") { Description = "Less memory, for about a third more time" };

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])
            [_recipe, _epochs, _steps, _learningRate, _rank, _alpha, _dropout, _targets,
             _batchSize, _accumulate, _snrGamma, _debiased, _noiseOffset, _captionDropout, _seed, _samplePrompts, _sampleEvery, _checkpointEvery, _gradientCheckpointing])
        {
            command.Add(option);
        }
    }

    /// <summary>The recipe's name.</summary>
    public string Recipe(ParseResult parsed) => parsed.GetValue(_recipe) ?? LoraTrainingOptions.Recipes[0];

    /// <summary>The options with everything that the command line says.</summary>
    public LoraTrainingOptions Overlay(ParseResult parsed, LoraTrainingOptions options) => options with
    {
        Epochs = parsed.GetValue(_epochs) ?? options.Epochs,
        Steps = parsed.GetValue(_steps) ?? (parsed.GetValue(_epochs) is null ? options.Steps : null),
        LearningRate = parsed.GetValue(_learningRate) ?? options.LearningRate,
        BatchSize = parsed.GetValue(_batchSize) ?? options.BatchSize,
        GradientAccumulation = parsed.GetValue(_accumulate) ?? options.GradientAccumulation,
        SnrGamma = parsed.GetValue(_snrGamma) is { } gamma ? (gamma == 0 ? null : gamma) : parsed.GetValue(_debiased) == true ? null : options.SnrGamma,
        DebiasedEstimation = parsed.GetValue(_debiased) ?? (parsed.GetValue(_snrGamma) is > 0 ? false : options.DebiasedEstimation),
        NoiseOffset = parsed.GetValue(_noiseOffset) ?? options.NoiseOffset,
        CaptionDropout = parsed.GetValue(_captionDropout) ?? options.CaptionDropout,
        RandomSeed = parsed.GetValue(_seed) ?? options.RandomSeed,
        SamplePrompts = parsed.GetValue(_samplePrompts) is { Length: > 0 } prompts ? prompts : options.SamplePrompts,
        SampleEvery = parsed.GetValue(_sampleEvery) ?? options.SampleEvery,
        CheckpointEvery = parsed.GetValue(_checkpointEvery) ?? options.CheckpointEvery,
        GradientCheckpointing = parsed.GetValue(_gradientCheckpointing) ?? options.GradientCheckpointing,
        Lora = options.Lora with
        {
            Rank = parsed.GetValue(_rank) ?? options.Lora.Rank,
            Alpha = parsed.GetValue(_alpha) ?? options.Lora.Alpha,
            Dropout = parsed.GetValue(_dropout) ?? options.Lora.Dropout,
            TargetModules = parsed.GetValue(_targets) is { Length: > 0 } targets ? targets : options.Lora.TargetModules,
        },
    };
}
