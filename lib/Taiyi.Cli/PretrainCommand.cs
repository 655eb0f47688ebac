using System.CommandLine;
using Taiyi.Models;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Cli;

/// <summary><c>taiyi pretrain vae|diffusion|evaluate</c>: a small model from nothing, and what it can do.</summary>
internal static class PretrainCommand
{
    /// <summary>The command with its subcommands.</summary>
    public static Command Create() => new("pretrain", "Train a small model from scratch: first its VAE, then text encoder and UNet together.")
    {
        PretrainVaeCommand.Create(),
        PretrainDiffusionCommand.Create(),
        EvaluateCommand.Create(),
    };
}

/// <summary><c>taiyi pretrain vae</c>.</summary>
internal sealed class PretrainVaeCommand
{
    private readonly PretrainSettings _settings = new();

    private readonly Option<int[]> _channels = new("--channels")
    {
        Description = "Channels of each resolution; every one after the first halves the side (32 64 128 if absent)",
        HelpName = "C",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int?> _latentChannels = new("--latent-channels") { Description = "Channels of the latents (4 if absent)", HelpName = "C" };

    private readonly Option<string?> _from = new("--from")
    {
        Description = "Folder of a VAE whose weights the training begins with wherever they fit, such as data/models/taiyi-mini/vae; random weights if absent",
        HelpName = "DIR",
    };

    private readonly Option<string[]> _others = new("--others")
    {
        Description = "Folders of further pictures, such as data/emoji data/poster; every so many-th is held out of them too",
        HelpName = "DIR",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<double?> _othersShare = new("--others-share") { Description = "Share of the pictures of --others in a step (0.25 if absent)", HelpName = "S" };

    private readonly Option<double?> _decoderNoise = new("--decoder-noise")
    {
        Description = "Train the decoder of --from alone, on latents with noise of up to this share of their deviation, such as 0.3: it draws even grounds then, and UNets and LoRAs stay of use",
        HelpName = "S",
    };

    private readonly Option<double?> _edges = new("--edges") { Description = "Weight of the error of edges in the loss (0.5 if absent)", HelpName = "W" };
    private readonly Option<double?> _detail = new("--detail") { Description = "Weight of the error of detail in the loss, such as 30, so that what is fine stays as fine (0 if absent)", HelpName = "W" };

    public static Command Create()
    {
        PretrainVaeCommand self = new();
        Command command = new("vae", "Train the VAE; it is written to OUTPUT/model/vae.") { self._channels, self._latentChannels, self._from, self._others, self._othersShare, self._decoderNoise, self._edges, self._detail };
        self._settings.AddTo(command);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        string folder = _settings.RunFolder(parsed, "vae-training");
        PretrainingRun<VaePretrainingOptions> run = _settings.Resumes(parsed)
            ? PretrainingRun.Open<VaePretrainingOptions>(folder, _settings.Steps(parsed))
            : PretrainingRun.Create(folder, NewOptions(parsed));
        IPictureSource pictures = run.Options.Data.Open(cancellationToken);
        using VaePretrainer trainer = new(run, pictures, _settings.ModelFolder(parsed), _settings.Device(parsed));
        _settings.Train(parsed, trainer, folder, cancellationToken);
        foreach ((string name, PictureQuality quality) in trainer.HeldOutQuality())
        {
            Console.Out.WriteLine(FormattableString.Invariant($"held out of {name}: {quality.Psnr:f2} dB, sharpness {quality.Sharpness:f2} of the originals'"));
        }

        return CommandRunner.Success;
    }

    private VaePretrainingOptions NewOptions(ParseResult parsed)
    {
        PretrainingData data = _settings.Data(parsed);
        VaePretrainingOptions options = new()
        {
            Data = data,
            InitialVae = parsed.GetValue(_from) is { } initial ? Path.GetFullPath(initial) : null,
            Others = [.. (parsed.GetValue(_others) ?? []).Select(folder => data with { Path = Path.GetFullPath(folder) })],
        };
        VaeLossWeights weights = options.Weights;
        options = options with
        {
            OthersShare = parsed.GetValue(_othersShare) ?? options.OthersShare,
            DecoderNoise = parsed.GetValue(_decoderNoise) ?? 0,
            Weights = weights with { Gradient = parsed.GetValue(_edges) ?? weights.Gradient, Detail = parsed.GetValue(_detail) ?? weights.Detail },
        };
        if (options.DecoderNoise > 0 && options.InitialVae is { } whole)
        {
            return _settings.Overlay(parsed, options with { Vae = AutoencoderKLConfig.FromFile(Path.Combine(whole, "config.json")), DType = "Float32" });
        }

        AutoencoderKLConfig vae = parsed.GetValue(_channels) is { Length: > 0 } channels ? VaePretrainingOptions.VaeOf(channels) : options.Vae;
        return _settings.Overlay(parsed, options with { Vae = vae with { LatentChannels = parsed.GetValue(_latentChannels) ?? vae.LatentChannels } });
    }
}

/// <summary><c>taiyi pretrain diffusion</c>.</summary>
internal sealed class PretrainDiffusionCommand
{
    private readonly PretrainSettings _settings = new();

    private readonly Option<int[]> _channels = new("--channels")
    {
        Description = "Channels of the UNet at each resolution, multiples of 32 (64 128 192 if absent)",
        HelpName = "C",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<int?> _width = new("--width") { Description = "Width of the text encoder (192 if absent)", HelpName = "D" };
    private readonly Option<int?> _layers = new("--layers") { Description = "Layers of the text encoder (3 if absent)", HelpName = "N" };
    private readonly Option<string?> _vae = new("--vae") { Description = "Folder of the VAE; that of --from, else OUTPUT/model/vae, if absent", HelpName = "DIR" };

    private readonly Option<string?> _from = new("--from")
    {
        Description = "Model whose text encoder, UNet, vocabulary and, without --vae, VAE the training begins with, such as data/models/taiyi-mini; random weights if absent",
        HelpName = "DIR",
    };

    private readonly Option<int?> _latentReuse = new("--latent-reuse") { Description = "How often the latents of a picture are used, each time with other noise and words (4 if absent)", HelpName = "N" };

    public static Command Create()
    {
        PretrainDiffusionCommand self = new();
        Command command = new("diffusion", "Train text encoder and UNet; the whole model is written to OUTPUT/model.") { self._channels, self._width, self._layers, self._vae, self._from, self._latentReuse };
        self._settings.AddTo(command);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        string folder = _settings.RunFolder(parsed, "diffusion-training"), model = _settings.ModelFolder(parsed);
        PretrainingRun<DiffusionPretrainingOptions> run = _settings.Resumes(parsed)
            ? PretrainingRun.Open<DiffusionPretrainingOptions>(folder, _settings.Steps(parsed))
            : PretrainingRun.Create(folder, NewOptions(parsed, model));
        IPictureSource pictures = run.Options.Data.Open(cancellationToken);
        using DiffusionPretrainer trainer = new(run, pictures, model, _settings.Device(parsed));
        _settings.Train(parsed, trainer, folder, cancellationToken);
        Console.Out.WriteLine(model);
        return CommandRunner.Success;
    }

    private DiffusionPretrainingOptions NewOptions(ParseResult parsed, string model)
    {
        string? from = parsed.GetValue(_from) is { } initial ? Path.GetFullPath(initial) : null;
        if (from is not null && ((Option[])[_channels, _width, _layers]).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } superfluous)
        {
            throw new ArgumentException($"{superfluous.Name} cannot stand beside --from: the model in '{from}' has its own sizes. Leave one of the two out.");
        }

        DiffusionPretrainingOptions options = new()
        {
            Data = _settings.Data(parsed),
            VaeFolder = Path.GetFullPath(parsed.GetValue(_vae) ?? Path.Combine(from ?? model, "vae")),
            InitialModel = from,
        };
        options = options with { LatentReuse = parsed.GetValue(_latentReuse) ?? options.LatentReuse };
        int width = parsed.GetValue(_width) ?? options.TextEncoder.HiddenSize, layers = parsed.GetValue(_layers) ?? options.TextEncoder.NumHiddenLayers;
        int[] channels = parsed.GetValue(_channels) is { Length: > 0 } given ? given : [.. options.UNet.BlockOutChannels];
        return _settings.Overlay(parsed, options with
        {
            UNet = DiffusionPretrainingOptions.UNetOf(width, channels),
            TextEncoder = DiffusionPretrainingOptions.TextEncoderOf(width, layers),
        });
    }
}
