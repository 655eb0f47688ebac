using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Taiyi.Files;

namespace Taiyi.Lora;

/// <summary>
/// What PEFT's <c>LoraConfig</c> says of an adapter, as JSON: in <c>adapter_config.json</c>, or in the safetensors metadata
/// of diffusers under <see cref="Key"/> with <c>unet.</c> before each name.
/// </summary>
/// <remarks>Only the fields that bear on the result are read: peft, tuners/lora/config.py.</remarks>
internal sealed class LoraMetadata
{
    /// <summary>The metadata key that diffusers reads and writes (loaders/lora_base.py).</summary>
    public const string Key = "lora_adapter_metadata";

    private readonly (Regex Path, double Alpha)[] _alphaPattern;
    private readonly double? _alpha;
    private readonly bool _rankStabilized;

    private LoraMetadata(JsonObject json, string prefix)
    {
        _alpha = (double?)json[prefix + "lora_alpha"];
        _rankStabilized = (bool?)json[prefix + "use_rslora"] ?? false;
        UsesDora = (bool?)json[prefix + "use_dora"] ?? false;
        _alphaPattern = json[prefix + "alpha_pattern"] is JsonObject patterns ? [.. patterns.Select(p => (PathEnd(p.Key), (double)p.Value!))] : [];
        Dropout = (double?)json[prefix + "lora_dropout"] ?? 0;
        TargetModules = json[prefix + "target_modules"] is JsonArray targets ? [.. targets.Select(target => (string)target!)] : null;
    }

    /// <summary>Whether α is said at all.</summary>
    public bool GivesAlpha => _alpha is not null;

    /// <summary>Whether every module has DoRA's magnitude.</summary>
    public bool UsesDora { get; }

    /// <summary>Dropout of the training.</summary>
    public double Dropout { get; }

    /// <summary>Ends of module paths; null if the file says it in another way (one regular expression).</summary>
    public IReadOnlyList<string>? TargetModules { get; }

    /// <summary>Parses the JSON; null where the text holds nothing about a UNet.</summary>
    /// <param name="text">A JSON object.</param>
    /// <param name="source">The file, for the message.</param>
    /// <exception cref="CheckpointException">The text is no such JSON.</exception>
    public static LoraMetadata? Parse(string text, string source)
    {
        try
        {
            JsonObject json = JsonNode.Parse(text)!.AsObject();
            return json.ContainsKey("unet.r") ? new LoraMetadata(json, "unet.") : json.ContainsKey("r") ? new LoraMetadata(json, "") : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException or NullReferenceException or ArgumentException or NotSupportedException)
        {
            throw new CheckpointException(
                $"The LoRA settings in '{source}' are not the JSON that diffusers and PEFT write ({exception.Message}); take the file anew from its source.", exception);
        }
    }

    /// <summary>α of a module, such that its update is (α / r) B A.</summary>
    public double AlphaOf(string path, long rank)
    {
        double alpha = _alphaPattern.Where(pattern => pattern.Path.IsMatch(path)).Select(pattern => (double?)pattern.Alpha).FirstOrDefault() ?? _alpha ?? rank;
        // Rank-stabilised LoRA scales by α / √r (arXiv 2312.03732 eq. (3)): the same as α √r / r.
        return _rankStabilized ? alpha * Math.Sqrt(rank) : alpha;
    }

    /// <summary>The JSON that diffusers and PEFT turn back into a <c>LoraConfig</c>.</summary>
    /// <param name="config">The common rank and alpha, dropout and targets.</param>
    /// <param name="modules">Modules that differ are listed in <c>rank_pattern</c> and <c>alpha_pattern</c>.</param>
    /// <param name="prefix"><c>unet.</c> in diffusers' files, empty in PEFT's.</param>
    public static string Write(LoraConfig config, IReadOnlyDictionary<string, LoraMatrices> modules, string prefix)
    {
        SortedDictionary<string, object?> fields = new(StringComparer.Ordinal)
        {
            ["alpha_pattern"] = Differing(m => m.Alpha, config.Alpha),
            ["base_model_name_or_path"] = null,
            ["bias"] = "none",
            ["lora_alpha"] = config.Alpha,
            ["lora_dropout"] = config.Dropout,
            ["peft_type"] = "LORA",
            ["r"] = config.Rank,
            ["rank_pattern"] = Differing(m => m.Rank, config.Rank),
            ["target_modules"] = config.TargetModules,
            ["use_dora"] = modules.Values.Any(m => m.Magnitude is not null),
            ["use_rslora"] = false,
        };
        return JsonSerializer.Serialize(fields.ToDictionary(field => prefix + field.Key, field => field.Value), JsonSerializerOptions.Web);

        Dictionary<string, double> Differing(Func<LoraMatrices, double> value, double common) =>
            modules.Where(m => value(m.Value) != common).ToDictionary(m => m.Key, m => value(m.Value));
    }

    // PEFT, utils/other.py get_pattern_key. The file is a stranger's: no pattern may take exponential time.
    private static Regex PathEnd(string pattern) => new($@"^(?:.*\.)?(?:{pattern})$", RegexOptions.NonBacktracking);
}
