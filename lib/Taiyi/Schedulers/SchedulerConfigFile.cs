using System.Text.Json;
using Taiyi.Checkpoints;

namespace Taiyi.Schedulers;

/// <summary>The fields of one <c>scheduler_config.json</c>, each read with an error that names field, value and file.</summary>
internal sealed class SchedulerConfigFile(string path, JsonElement fields)
{
    // What other models may ask of diffusers' samplers and these here do not do: a picture made without it would be silently wrong.
    private static readonly (string Field, string Only, string Reason)[] SingleValued =
    [
        ("trained_betas", "null", "betas are computed from beta_start, beta_end and beta_schedule"),
        ("skip_prk_steps", "true", "PNDM runs without its Runge-Kutta warm-up, as Stable Diffusion does"),
        ("clip_sample", "false", "latents leave [-1, 1] and must not be clipped"),
        ("thresholding", "false", "dynamic thresholding is for pixels, not for latents"),
        ("rescale_betas_zero_snr", "false", "Taiyi was trained with noise that never reaches zero signal"),
        ("variance_type", "fixed_small", "the network predicts no variance; DDPM takes that of its eq. (7)"),
        ("algorithm_type", "dpmsolver++", "it is the one DPM-Solver here"),
        ("solver_order", "2", "the one DPM-Solver here is 2M"),
        ("solver_type", "midpoint", "the one DPM-Solver here is 2M with midpoints"),
        ("final_sigmas_type", "zero", "every run ends without noise"),
        ("interpolation_type", "linear", "Euler's sigmas are interpolated linearly"),
        ("use_exponential_sigmas", "false", "the schedules here are the model's own and Karras'"),
        ("use_beta_sigmas", "false", "the schedules here are the model's own and Karras'"),
        ("use_lu_lambdas", "false", "the schedules here are the model's own and Karras'"),
        ("use_flow_sigmas", "false", "flow matching is another family of models"),
    ];

    public static SchedulerConfigFile Open(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new SchedulerConfigFile(path, document.RootElement.Clone())
                : throw new CheckpointException($"{path} holds a JSON {document.RootElement.ValueKind}; a scheduler's settings are a JSON object.");
        }
        catch (JsonException error)
        {
            throw new CheckpointException($"{path} is not valid JSON: {error.Message}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path} cannot be read: {error.Message}");
        }
    }

    public void RefuseOtherValues()
    {
        foreach ((string field, string only, string reason) in SingleValued)
        {
            // An explicit null means diffusers' default, which is the only value, wherever null is allowed.
            if (Find(field) is { } value && !Text(value).Equals(only, StringComparison.OrdinalIgnoreCase))
            {
                throw Misfit(field, value, $"{only} ({reason})");
            }
        }
    }

    public int Int32(string field, int silent, int min) =>
        Find(field) is not { } value ? silent
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= min ? number
        : throw Misfit(field, value, $"a whole number from {min} on");

    public double Fraction(string field, double silent) =>
        Find(field) is not { } value ? silent
        : value.ValueKind == JsonValueKind.Number && value.GetDouble() is > 0 and < 1 and double number ? number
        : throw Misfit(field, value, "a number between 0 and 1");

    public bool Boolean(string field, bool silent) =>
        Find(field) is not { } value ? silent
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
        : throw Misfit(field, value, "true or false");

    public T? Enum<T>(string field)
        where T : struct, Enum
    {
        if (Find(field) is not { } value)
        {
            return null;
        }

        Dictionary<string, T> named = System.Enum.GetValues<T>().ToDictionary(one => JsonNamingPolicy.SnakeCaseLower.ConvertName(one.ToString()));
        return named.TryGetValue(Text(value), out T found) ? found : throw Misfit(field, value, string.Join(", ", named.Keys));
    }

    private JsonElement? Find(string field) =>
        fields.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private CheckpointException Misfit(string field, JsonElement value, string allowed) =>
        new($"\"{field}\" is {value.GetRawText()} in {path}; what can be used here is {allowed}.");
}
