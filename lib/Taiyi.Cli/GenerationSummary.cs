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

    public static void Print(PictureBatches batches, GenerationOptions options, StableDiffusionPipeline pipeline, double secondsToLoad, double seconds, bool json)
    {
        if (!json)
        {
            foreach (DrawnPicture picture in batches.Pictures)
            {
                Console.WriteLine(picture.File);
            }

            return;
        }

        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                images = batches.Pictures.Select(picture => new { picture.File, picture.Prompt, seed = (ulong)picture.Seed }),
                options.NegativePrompt,
                options.GuidanceScale,
                options.GuidanceRescale,
                options.NumInferenceSteps,
                scheduler = pipeline.Scheduler.GetType().Name,
                dtype = pipeline.DType.ToString().ToLowerInvariant(),
                device = pipeline.Device.ToString(),
                warnings = batches.Warnings,
                truncated_text = batches.TruncatedText.Where(text => text.Length > 0),
                seconds_to_load = Math.Round(secondsToLoad, 2),
                seconds = Math.Round(seconds, 2),
            },
            Readable));
    }
}
