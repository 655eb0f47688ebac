using System.Globalization;
using Taiyi.Data;

namespace Taiyi;

/// <summary>Writes the pictures of a call as PNG files that carry their own parameters.</summary>
public static class GenerationResultFiles
{
    /// <summary>Saves picture i as <c>生成图_{i}.png</c>, a file of that name being replaced.</summary>
    /// <param name="result">The pictures.</param>
    /// <param name="folder">Where they go; made if it is not there.</param>
    /// <param name="options">What they were drawn with, for the PNG text.</param>
    /// <param name="scheduler">Name of the sampler, for the PNG text; left out if null.</param>
    /// <param name="firstIndex">The number i of the first picture.</param>
    /// <returns>The paths, in order.</returns>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static IReadOnlyList<string> Save(
        this GenerationResult result, string folder, GenerationOptions options, string? scheduler = null, int firstIndex = 0)
    {
        Directory.CreateDirectory(folder);
        string[] files = new string[result.Prompts.Count];
        for (int i = 0; i < files.Length; i++)
        {
            files[i] = Path.Combine(folder, $"生成图_{firstIndex + i}.png");
            ImageFile.WritePng(files[i], result.Images[i], new Dictionary<string, string> { ["parameters"] = Parameters(result, i, options, scheduler) });
        }

        return files;
    }

    /// <summary>The text that Stable Diffusion web UIs write into a PNG and read back: prompt, negative prompt, settings.</summary>
    private static string Parameters(GenerationResult result, int index, GenerationOptions options, string? scheduler)
    {
        string negative = options.NegativePrompt.Length > 0 ? $"\nNegative prompt: {options.NegativePrompt}" : "";
        string sampler = scheduler is null ? "" : $", Sampler: {scheduler}";
        string strength = options.Image is null ? "" : string.Create(CultureInfo.InvariantCulture, $", Denoising strength: {options.Strength}");
        string rescale = options.GuidanceRescale is > 0 and { } phi ? string.Create(CultureInfo.InvariantCulture, $", CFG rescale: {phi}") : "";
        string settings = string.Create(
            CultureInfo.InvariantCulture,
            $"Steps: {options.NumInferenceSteps}{sampler}, CFG scale: {options.GuidanceScale}{rescale}, Seed: {(ulong)result.Seeds[index]}, Size: {result.Images[index].Width}x{result.Images[index].Height}{strength}");
        return $"{result.Prompts[index]}{negative}\n{settings}";
    }
}
