using System.Text.Encodings.Web;
using System.Text.Json;

namespace Taiyi.Cli;

/// <summary>What <c>taiyi generate</c> prints at the end: the files, or a JSON object for scripts.</summary>
internal static class GenerationSummary
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
    };

    public static void Print(
        IReadOnlyList<string> files, IReadOnlyList<GenerationResult> results, GenerationOptions options, StableDiffusionPipeline pipeline,
        double secondsToLoad, double seconds, bool json)
    {
        if (!json)
        {
            foreach (string file in files)
            {
                Console.WriteLine(file);
            }

            return;
        }

        var pictures = results.SelectMany(r => r.Prompts.Zip(r.Seeds)).Zip(files, (picture, file) => new { file, prompt = picture.First, seed = (ulong)picture.Second });
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                images = pictures,
                options.NegativePrompt,
                options.GuidanceScale,
                options.GuidanceRescale,
                options.NumInferenceSteps,
                scheduler = pipeline.Scheduler.GetType().Name,
                dtype = pipeline.DType.ToString().ToLowerInvariant(),
                device = pipeline.Device.ToString(),
                warnings = results.SelectMany(r => r.Warnings).Distinct(),
                truncated_text = results.SelectMany(r => r.TruncatedText).Where(t => t.Length > 0),
                seconds_to_load = Math.Round(secondsToLoad, 2),
                seconds = Math.Round(seconds, 2),
            },
            Readable));
    }
}
