using System.CommandLine;
using System.Globalization;
using Taiyi.Schedulers;

namespace Taiyi.Cli;

/// <summary>The options that choose a sampler and place its steps; without any of them the model's own is used.</summary>
internal sealed class SamplerOptions
{
    private static readonly Dictionary<string, SigmaSchedule> Levels = new(StringComparer.OrdinalIgnoreCase)
    {
        ["karras"] = SigmaSchedule.Karras,
        ["exponential"] = SigmaSchedule.Exponential,
        ["beta"] = SigmaSchedule.Beta,
        ["lu"] = SigmaSchedule.Lu,
        ["ays"] = SigmaSchedule.AlignYourSteps,
        ["timesteps"] = SigmaSchedule.Timesteps,
    };

    private readonly Option<string?> _scheduler = new("--scheduler")
    {
        Description = $"Sampler: {string.Join(", ", Scheduler.Names)}; the model's own if absent",
        HelpName = "NAME",
    };

    private readonly Option<string?> _spacing = new Option<string?>("--timestep-spacing")
    {
        Description = "How the steps are spread over the training timesteps: leading, linspace or trailing; the scheduler's usual one if absent",
        HelpName = "NAME",
    }.AcceptOnly("leading", "linspace", "trailing");

    private readonly Option<string?> _sigmas = new("--sigmas")
    {
        Description = "Where the noise levels lie: karras, exponential, beta, lu, ays (Align Your Steps), or the levels themselves, such as 14.6,3.9,0.9,0",
        HelpName = "NAME|LIST",
    };

    private readonly Option<string?> _timesteps = new("--timesteps")
    {
        Description = "The timesteps themselves in place of --steps, such as 999,850,736,645,545,455,343,233,124,24; ays for these ten",
        HelpName = "LIST",
    };

    private readonly Option<double?> _eta = new("--eta") { Description = "Share of fresh noise in each step of ddim and tcd, 0 to 1; 0 if absent", HelpName = "ETA" };

    private readonly Option<string?> _guidanceInterval = new("--guidance-interval")
    {
        Description = "Guide only at noise levels above LOW and up to HIGH, such as 0.28,5.42: the other steps cost half",
        HelpName = "LOW,HIGH",
    };

    private readonly Option<bool> _forecast = new("--forecast")
    {
        Description = "Leave out calls of the network and forecast what they would say (Spectrum): 14 of 30 steps are computed, and the picture differs a little",
    };

    public SamplerOptions() => _scheduler.Validators.Add(result =>
    {
        if (result.Tokens is [var token])
        {
            try
            {
                new SchedulerConfig().For(token.Value);
            }
            catch (ArgumentException error)
            {
                result.AddError(error.Message);
            }
        }
    });

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_scheduler, _spacing, _sigmas, _timesteps, _eta, _guidanceInterval, _forecast])
        {
            command.Add(option);
        }
    }

    /// <summary>The sampler that was asked for, or the model's own with what was asked of it.</summary>
    public Scheduler Create(ParseResult parsed, StableDiffusionPipeline pipeline)
    {
        Scheduler chosen = parsed.GetValue(_scheduler) is { } name ? Scheduler.Create(name, pipeline.SchedulerConfig) : pipeline.Scheduler;
        string className = chosen.GetType().Name;
        SchedulerConfig config = chosen.Config;
        if (parsed.GetValue(_spacing) is { } spacing)
        {
            config = config with { TimestepSpacing = Enum.Parse<TimestepSpacing>(spacing, ignoreCase: true) };
        }

        if (parsed.GetValue(_sigmas) is { } sigmas && Levels.TryGetValue(sigmas, out SigmaSchedule levels))
        {
            config = levels == SigmaSchedule.Timesteps ? config with { Sigmas = levels } : config.For($"{className}_{sigmas}");
        }

        return Scheduler.Create(className, config with { Eta = parsed.GetValue(_eta) ?? config.Eta });
    }

    /// <summary>The options with the steps and the guidance that were asked for.</summary>
    public GenerationOptions Apply(ParseResult parsed, GenerationOptions options)
    {
        IReadOnlyList<double>? timesteps = parsed.GetValue(_timesteps) is not { } list ? null
            : list.Equals("ays", StringComparison.OrdinalIgnoreCase) ? AlignYourSteps.StableDiffusion15Timesteps : Numbers(_timesteps.Name, list);
        double[]? sigmas = parsed.GetValue(_sigmas) is { } given && !Levels.ContainsKey(given) ? Numbers(_sigmas.Name, given) : null;
        double[]? interval = parsed.GetValue(_guidanceInterval) is { } pair ? Numbers(_guidanceInterval.Name, pair) : null;
        if (interval is not (null or [_, _]))
        {
            throw new ArgumentException($"{_guidanceInterval.Name} takes two noise levels, such as 0.28,5.42; it has {interval.Length}.");
        }

        return options with
        {
            Timesteps = timesteps,
            Sigmas = sigmas,
            NumInferenceSteps = timesteps?.Count ?? sigmas?.Length - 1 ?? options.NumInferenceSteps,
            GuidanceInterval = interval is [var above, var upTo] ? (above, upTo) : null,
            Forecast = parsed.GetValue(_forecast) ? new SpectrumOptions() : null,
        };
    }

    private static double[] Numbers(string option, string list) =>
    [
        .. list.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(text =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                ? number
                : throw new ArgumentException($"'{text}' in {option} is no number: write numbers with commas between, such as 999,850,736, or {string.Join(", ", Levels.Keys)} for --sigmas.")),
    ];
}
