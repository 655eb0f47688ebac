using System.Text.Json;
using System.Text.Json.Nodes;
using Taiyi.Files;

namespace Taiyi.Schedulers;

/// <summary>Reads and writes <c>scheduler_config.json</c>: of each class the settings that it has in diffusers, and no other.</summary>
internal static class SchedulerConfigFile
{
    private static readonly string[] ModelFields =
        ["num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "rescale_betas_zero_snr", "prediction_type"];

    // Settings that some class in diffusers has and that change nothing here: they belong to flow matching.
    private static readonly string[] IdleFields = ["flow_shift", "time_shift_type", "shift_terminal"];

    public static SchedulerConfig Read(string path)
    {
        var file = ConfigFile.Open(path);
        string className = file.Text("_class_name") ?? "PNDMScheduler";
        SchedulerConfig model = ReadModel(file) with { ClassName = className };
        if (SamplerKind.OfClass(className) is not { } kind)
        {
            string known = string.Join(", ", SamplerKind.All.Select(k => k.ClassName));
            return model with
            {
                Unsupported = $"'{path}' names the sampler {className}, which is not built in: choose one of {string.Join(", ", Scheduler.Names)} by name, or put one of {known} into the file.",
            };
        }

        try
        {
            return ReadSampler(file, kind) with { ClassName = className };
        }
        catch (CheckpointException error)
        {
            return model with { Unsupported = $"{error.Message} Another sampler can be asked for by name." };
        }
    }

    // What every sampler of the model needs.
    private static SchedulerConfig ReadModel(ConfigFile file)
    {
        file = file.Only(ModelFields);
        file.RequireOneOf("beta_schedule", NamesOf<BetaSchedule>());
        file.RequireOneOf("prediction_type", NamesOf<PredictionType>());
        SchedulerConfig config = file.Deserialize<SchedulerConfig>();
        file.Check("num_train_timesteps", config.NumTrainTimesteps > 0, "is at least 1");
        file.Check("beta_start", config.BetaStart is > 0 and < 1, "is between 0 and 1");
        file.Check("beta_end", config.BetaEnd is > 0 and < 1, "is between 0 and 1");
        bool betasFit = config.TrainedBetas is null || (config.TrainedBetas.Count == config.NumTrainTimesteps && config.TrainedBetas.All(b => b is > 0 and <= 1));
        file.Check("trained_betas", betasFit, $"is null or a list of {config.NumTrainTimesteps} numbers above 0 and up to 1, as num_train_timesteps says");
        return config;
    }

    private static SchedulerConfig ReadSampler(ConfigFile whole, SamplerKind kind)
    {
        ConfigFile file = whole.Only([.. ModelFields, .. kind.Settings]);
        file.Check("use_flow_sigmas", !file.Flag("use_flow_sigmas"), "is false");           // flow matching, as
        file.Check("use_dynamic_shifting", !file.Flag("use_dynamic_shifting"), "is false"); // Stable Diffusion 3 has it
        file.Check("solver_p", !file.Has("solver_p"), "is null");
        file.RequireOneOf("timestep_spacing", NamesOf<TimestepSpacing>());
        file.RequireOneOf("algorithm_type", "dpmsolver++", "dpmsolver", "sde-dpmsolver", "sde-dpmsolver++", "deis");
        file.RequireOneOf("solver_type", NamesOf<SolverType>());
        file.RequireOneOf("final_sigmas_type", NamesOf<FinalSigmasType>());
        file.RequireOneOf("interpolation_type", NamesOf<InterpolationType>());
        file.RequireOneOf("timestep_type", NamesOf<TimestepType>());
        file.RequireOneOf("variance_type", NamesOf<VarianceType>());
        SchedulerConfig config = file.Deserialize<SchedulerConfig>() with { Sigmas = Levels(file), UnknownSettings = Unknown(whole) };
        file.Check("steps_offset", config.StepsOffset >= 0, "is at least 0");
        file.Check("solver_order", config.SolverOrder >= 1 && config.SolverOrder <= kind.MaxOrder, $"is 1 to {kind.MaxOrder}");
        file.Check("original_inference_steps", !file.Has("original_inference_steps") || (config.OriginalInferenceSteps >= 1 && config.OriginalInferenceSteps <= config.NumTrainTimesteps), "is 1 to num_train_timesteps");
        file.Check("dynamic_thresholding_ratio", config.DynamicThresholdingRatio is > 0 and <= 1, "is above 0 and at most 1");

        // Where the file is silent, the class in diffusers does otherwise than Taiyi's own.
        return config with
        {
            SetAlphaToOne = file.Has("set_alpha_to_one") ? config.SetAlphaToOne : kind.ClassName != "PNDMScheduler",
            SkipPrkSteps = file.Has("skip_prk_steps") && config.SkipPrkSteps,
        };
    }

    private static SigmaSchedule Levels(ConfigFile file)
    {
        (string Field, SigmaSchedule Levels)[] flags =
        [
            ("use_karras_sigmas", SigmaSchedule.Karras), ("use_lu_lambdas", SigmaSchedule.Lu),
            ("use_exponential_sigmas", SigmaSchedule.Exponential), ("use_beta_sigmas", SigmaSchedule.Beta),
        ];
        (string Field, SigmaSchedule Levels)[] set = [.. flags.Where(flag => file.Flag(flag.Field))];
        if (set.Length > 1)
        {
            file.Check(set[1].Field, fits: false, $"is false where {set[0].Field} is true");
        }

        return set.Length == 0 ? SigmaSchedule.Timesteps : set[0].Levels;
    }

    private static string[] Unknown(ConfigFile file) =>
    [
        .. file.Fields.Where(field => !field.StartsWith('_') && file.Has(field) && !ModelFields.Contains(field) && !IdleFields.Contains(field)
            && !SamplerKind.All.Any(kind => kind.Settings.Contains(field))),
    ];

    /// <summary>The file of a model that this program writes, with every key that other programs read.</summary>
    /// <param name="config">Its noise schedule.</param>
    public static JsonObject Pndm(SchedulerConfig config) => new()
    {
        ["_class_name"] = "PNDMScheduler",
        ["num_train_timesteps"] = config.NumTrainTimesteps,
        ["beta_start"] = config.BetaStart,
        ["beta_end"] = config.BetaEnd,
        ["beta_schedule"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(config.BetaSchedule.ToString()),
        ["trained_betas"] = config.TrainedBetas is { } betas ? new JsonArray([.. betas.Select(b => (JsonNode)b)]) : null,
        ["rescale_betas_zero_snr"] = config.RescaleBetasZeroSnr,
        ["prediction_type"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(config.PredictionType.ToString()),
        ["timestep_spacing"] = "leading",
        ["steps_offset"] = config.StepsOffset,
        ["skip_prk_steps"] = true,
        ["set_alpha_to_one"] = false,
        ["clip_sample"] = false, // or diffusers' DDIM, made from this file, cuts the latents at 1
    };

    private static IEnumerable<string> NamesOf<T>()
        where T : struct, Enum => Enum.GetNames<T>().Select(JsonNamingPolicy.SnakeCaseLower.ConvertName);
}
