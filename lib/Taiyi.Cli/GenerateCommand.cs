using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Spectre.Console;
using Taiyi.Files;
using Taiyi.Lora;
using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi.Cli;

/// <summary><c>taiyi generate</c>: Chinese prompts to PNG files.</summary>
internal sealed class GenerateCommand
{
    private readonly ModelOptions _model = new();

    private readonly Argument<string[]> _prompts = new("PROMPT")
    {
        Description = "What to draw, in Chinese, such as 一只狮子; several prompts make several batches",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _promptFile = new("--prompts")
    {
        Description = "A file of prompts in their place: a prompt a line, or .csv or .jsonl with prompt, negative_prompt, seed, num_images, steps, guidance_scale, height, width. What is in the output folder already is not drawn again",
        HelpName = "FILE",
    };

    private readonly Option<string?> _shard = new("--shard")
    {
        Description = "With --prompts: the share of the rows to draw, such as 2/8 for the second of eight; that of the job array if absent. Processes of mpirun or srun divide it",
        HelpName = "K/N",
    };

    private readonly Option<string> _negativePrompt = new("--negative-prompt")
    {
        Description = "What the pictures should not show",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "",
    };

    private readonly Option<string?> _style = new("--style")
    {
        Description = $"Style words put behind every prompt, \"\" for none; the model's own default, else {Inference.DefaultStyle}",
        HelpName = "TEXT",
    };

    private readonly Option<string[]> _lora = new("--lora")
    {
        Description = "A LoRA file and its strength (1 if absent); may be given several times to mix styles",
        HelpName = "FILE[:WEIGHT]",
        DefaultValueFactory = _ => [],
    };

    private readonly EmbeddingOption _embedding = new();

    private readonly SamplerOptions _sampler = new();

    private readonly Option<int?> _steps = new("--steps") { Description = "Denoising steps; the model's own default, else 50", HelpName = "N" };

    private readonly Option<double?> _guidanceScale = new("--guidance-scale", "-g")
    {
        Description = "Guidance scale, how strictly the prompt is followed; the model's own default, else 7.5",
        HelpName = "G",
    };

    private readonly Option<double?> _guidanceRescale = new("--guidance-rescale")
    {
        Description = "How much of guidance's excess contrast is taken back, 0 to 1; the model's own default, else 0",
        HelpName = "PHI",
    };

    private readonly Option<long?> _seed = SeedOption.Create($"Seed of the first picture, 0 to 2^64 - 1; the next ones have seed + 1, seed + 2, …; {Inference.DefaultSeed} if absent");

    private readonly Option<int> _numImages = new("--num-images", "-n") { Description = "Pictures for each prompt", HelpName = "N", DefaultValueFactory = _ => Inference.DefaultNumImages };

    private readonly Option<int?> _batchSize = new("--batch-size")
    {
        Description = "Pictures drawn and then written at once; as many as the processor has use for if absent, 1 of 512 x 512 pixels",
        HelpName = "N",
    };

    private readonly Option<int?> _height = new("--height") { Description = "Height in pixels; the model's own if absent", HelpName = "H" };

    private readonly Option<int?> _width = new("--width") { Description = "Width in pixels; the model's own if absent", HelpName = "W" };

    private readonly Option<string?> _image = new("--image") { Description = "A picture to start from (image to image)", HelpName = "FILE" };

    private readonly Option<string?> _mask = new("--mask")
    {
        Description = "With --image: a picture of the same size, white where it is drawn anew, black where it stays (inpainting)",
        HelpName = "FILE",
    };

    private readonly Option<double> _strength = new("--strength")
    {
        Description = "With --image: how far it is changed, above 0 and up to 1",
        HelpName = "S",
        DefaultValueFactory = _ => 0.8,
    };

    private readonly Option<string?> _tinyVae = new("--tiny-vae")
    {
        Description = "Decode by a tiny VAE, for drafts: taesd_decoder.safetensors (TAESD) or the file or folder of diffusers' AutoencoderTiny",
        HelpName = "FILE",
    };

    private readonly Option<bool?> _lowMemory = new("--low-memory")
    {
        Description = "true: have one network in memory at a time, and read each anew for every batch; false: all at once; if absent, true where memory is short",
        HelpName = "true|false",
    };

    private readonly Option<string> _output = new("--output", "-o") { Description = "Folder of the pictures, whose numbers go on behind those that are there", HelpName = "DIR", DefaultValueFactory = _ => "output" };

    private readonly Option<string?> _latents = new("--latents")
    {
        Description = "safetensors file with unit-variance noise 'latents', (prompts x images, channels, H/f, W/f)",
        HelpName = "FILE",
    };

    private readonly Option<string?> _saveLatents = new("--save-latents") { Description = "Write the final latents there, as 'latents'", HelpName = "FILE" };

    private readonly Option<bool> _json = new("--json") { Description = "Print a JSON summary in place of the list of files" };

    public static Command Create()
    {
        GenerateCommand self = new();
        Command command = new("generate", "Draw pictures of Chinese prompts") { self._prompts };
        self._model.AddTo(command);
        foreach (Option option in (Option[])
            [self._promptFile, self._shard, self._negativePrompt, self._style, self._lora, self._steps, self._guidanceScale, self._guidanceRescale, self._seed,
             self._numImages, self._batchSize, self._height, self._width, self._image, self._mask, self._strength, self._tinyVae, self._lowMemory, self._output, self._latents, self._saveLatents, self._json])
        {
            command.Add(option);
        }

        self._embedding.AddTo(command);
        self._sampler.AddTo(command);
        command.Validators.Add(self.RequireOneKindOfPrompts);
        command.SetBody(self.Run);
        return command;
    }

    private int Run(ParseResult parsed, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        Stopwatch clock = Stopwatch.StartNew();
        string? saveLatents = parsed.GetValue(_saveLatents);
        OutputPath.RequireNew(saveLatents);
        NetworkLoading loading = parsed.GetValue(_lowMemory) switch { null => NetworkLoading.Automatic, true => NetworkLoading.WhenNeeded, false => NetworkLoading.AtOnce };
        using StableDiffusionPipeline pipeline = _model.Load(parsed, loading);
        pipeline.Scheduler = _sampler.Create(parsed, pipeline);
        WarnOfUnknownSettings(pipeline.Scheduler.Config);
        if (parsed.GetValue(_tinyVae) is { } tinyVae)
        {
            pipeline.LoadTinyVae(tinyVae);
        }

        EmbeddingOption.Load(_embedding.References(parsed), pipeline);
        foreach (string reference in parsed.GetValue(_lora)!)
        {
            (string file, double weight) = LoraReference.Parse(reference);
            WarnOfUnmatchedKeys(file, pipeline.LoadLora(file, weight));
        }

        string style = parsed.GetValue(_style) ?? Inference.StyleOf(pipeline);
        string[] prompts = [.. parsed.GetValue(_prompts)!.Select(p => Inference.WithStyle(p, style))];
        GenerationOptions options = ReadOptions(parsed, pipeline);
        if (parsed.GetValue(_promptFile) is { } promptFile)
        {
            PromptFileDrawing.Run(
                pipeline, options, style, parsed.GetValue(_batchSize), promptFile, parsed.GetValue(_shard), parsed.GetValue(_output)!, parsed.GetValue(_json), cancellationToken);
            return CommandRunner.Success;
        }

        Tensor? latents = ReadLatents(parsed.GetValue(_latents), prompts.Length * options.NumImagesPerPrompt);
        double loaded = clock.Elapsed.TotalSeconds;

        using OutputFolder folder = OutputFolder.Open(parsed.GetValue(_output)!);
        using PictureBatches batches = new(pipeline, options, parsed.GetValue(_batchSize) ?? PictureBatches.UsualSize(pipeline, options), folder.Path);
        try
        {
            GenerationProgress.Show(prompts, quiet: parsed.GetValue(_json), report => batches.Draw(prompts, latents, report, cancellationToken));
        }
        finally
        {
            // Also when the run is stopped: what is drawn is there.
            CommandRunner.Warn(batches.Warnings);
            batches.WriteLatents(saveLatents);
            GenerationSummary.Print(batches, options, pipeline, loaded, clock.Elapsed.TotalSeconds, parsed.GetValue(_json));
        }

        return CommandRunner.Success;
    }

    private void RequireOneKindOfPrompts(CommandResult result)
    {
        bool fromFile = result.GetResult(_promptFile) is not null;
        Option[] forOneCall = [_image, _mask, _latents, _saveLatents];
        if (result.GetResult(_prompts)?.Tokens.FirstOrDefault(token => token.Value.StartsWith("--", StringComparison.Ordinal)) is { } misspelt)
        {
            result.AddError($"'{misspelt.Value}' is no option of generate; see generate --help.");
        }
        else if (fromFile == (result.GetResult(_prompts) is { Tokens.Count: > 0 }))
        {
            result.AddError(fromFile ? "--prompts names a file in place of prompts on the command line: leave one of the two out." : "There is no prompt: give one or more, such as 一只狮子, or --prompts FILE.");
        }
        else if (fromFile && Array.Find(forOneCall, option => result.GetResult(option) is { Implicit: false }) is { } other)
        {
            result.AddError($"{other.Name} goes with prompts on the command line, not with --prompts: leave one of the two out.");
        }
        else if (!fromFile && result.GetResult(_shard) is not null)
        {
            result.AddError("--shard is a share of the rows of a file: name it by --prompts FILE.");
        }
    }

    private GenerationOptions ReadOptions(ParseResult parsed, StableDiffusionPipeline pipeline)
    {
        GenerationOptions usual = pipeline.DefaultOptions;
        int? height = parsed.GetValue(_height), width = parsed.GetValue(_width);
        long[] shape = pipeline.LatentShape(1, usual with { Height = height, Width = width });
        int factor = pipeline.VaeConfig.DownscaleFactor;
        (Tensor? image, Tensor? mask) = StartPicture.Read(parsed.GetValue(_image), parsed.GetValue(_mask), (int)shape[3] * factor, (int)shape[2] * factor);
        return _sampler.Apply(parsed, usual with
        {
            NegativePrompt = parsed.GetValue(_negativePrompt)!,
            GuidanceScale = parsed.GetValue(_guidanceScale) ?? usual.GuidanceScale,
            GuidanceRescale = parsed.GetValue(_guidanceRescale) ?? usual.GuidanceRescale,
            NumInferenceSteps = parsed.GetValue(_steps) ?? usual.NumInferenceSteps,
            NumImagesPerPrompt = parsed.GetValue(_numImages),
            Height = height,
            Width = width,
            Seed = parsed.GetValue(_seed) ?? Inference.DefaultSeed,
            Image = image,
            Mask = mask,
            Strength = parsed.GetValue(_strength),
            Draft = pipeline.TinyDecoder is not null,
        });
    }

    private static Tensor? ReadLatents(string? path, int pictures)
    {
        if (path is null)
        {
            return null;
        }

        using SafetensorsFile file = SafetensorsFile.Open(path);
        if (!file.Tensors.ContainsKey("latents"))
        {
            throw new CheckpointException($"{path} has no tensor 'latents'; it holds {string.Join(", ", file.Tensors.Keys.Take(10))}.");
        }

        Tensor latents = file.Read("latents");
        return latents.dim() == 4 && latents.shape[0] == pictures
            ? latents
            : throw new ArgumentException(
                $"The latents in {path} have shape ({string.Join(", ", latents.shape)}); the first of four dimensions must be {pictures}, prompts x images.");
    }

    private static void WarnOfUnmatchedKeys(string file, LoraAdapter adapter)
    {
        CommandRunner.Warn(adapter.Warnings);

        if (adapter.UnmatchedKeys.Count > 0)
        {
            string more = adapter.UnmatchedKeys.Count > 3 ? ", …" : "";
            CommandRunner.Error.MarkupLineInterpolated(
                $"[yellow]{adapter.UnmatchedKeys.Count} keys of {file} fit nothing in the UNet and are not used: {string.Join(", ", adapter.UnmatchedKeys.Take(3))}{more}[/]");
        }
    }

    private static void WarnOfUnknownSettings(SchedulerConfig config)
    {
        if (config.UnknownSettings.Count > 0)
        {
            CommandRunner.Error.MarkupLineInterpolated(
                $"[yellow]scheduler_config.json has settings that no sampler knows, they are not used: {string.Join(", ", config.UnknownSettings)}[/]");
        }
    }
}
