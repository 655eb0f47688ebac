using System.Text.Json;
using System.Text.Json.Serialization;
using Taiyi.Files;

namespace Taiyi.Snapshots;

/// <summary>
/// What looks best with a model, from <c>taiyi.json</c> in its folder: used where the user chose nothing. A field that
/// the file lacks is null, and the program's own default holds.
/// </summary>
/// <param name="GuidanceScale">Weight of the prompt; 7.5 suits Stable Diffusion, small models want less.</param>
/// <param name="NumInferenceSteps">Denoising steps.</param>
/// <param name="Scheduler">A sampler's name, such as <c>pndm</c>.</param>
/// <param name="GuidanceRescale">How much of guidance's excess deviation is taken back, 0 to 1; for models that a large guidance scale burns out.</param>
/// <param name="Style">Words appended to every prompt; empty for none.</param>
public sealed record ModelDefaults(
    double? GuidanceScale = null,
    int? NumInferenceSteps = null,
    string? Scheduler = null,
    double? GuidanceRescale = null,
    string? Style = null)
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "taiyi.json";

    private static readonly JsonSerializerOptions SnakeCase = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowTrailingCommas = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>Reads <c>taiyi.json</c>; a folder without one gives nothing but nulls.</summary>
    /// <param name="folder">The model folder.</param>
    /// <exception cref="CheckpointException">The file is no JSON object of these fields.</exception>
    public static ModelDefaults FromFolder(string folder)
    {
        string path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return new ModelDefaults();
        }

        try
        {
            return JsonSerializer.Deserialize<ModelDefaults>(TextFile.Read(path), SnakeCase) ?? new ModelDefaults();
        }
        catch (InvalidDataException error)
        {
            throw new CheckpointException(error.Message, error);
        }
        catch (JsonException error)
        {
            throw new CheckpointException(
                $"'{path}' cannot be read (line {error.LineNumber + 1}, {error.Path}): it is a JSON object that may hold guidance_scale, num_inference_steps, scheduler, guidance_rescale and style.", error);
        }
    }
}
