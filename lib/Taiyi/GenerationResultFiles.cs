using System.Globalization;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;

namespace Taiyi;

/// <summary>Writes the pictures of a call as PNG files that carry their own parameters.</summary>
public static class GenerationResultFiles
{
    private const string Prefix = "生成图_", Extension = ".png";

    /// <summary>Saves the pictures as <c>生成图_{number}.png</c>.</summary>
    /// <param name="result">The pictures.</param>
    /// <param name="folder">Where they go; made if it is not there.</param>
    /// <param name="options">What they were drawn with, for the PNG text.</param>
    /// <param name="scheduler">Name of the sampler, for the PNG text; null takes <see cref="GenerationResult.Sampler"/>.</param>
    /// <param name="firstIndex">
    /// The number of the first picture, files of these numbers being replaced. Null goes on behind the highest number in the folder and
    /// replaces nothing, even if another process writes there too.
    /// </param>
    /// <returns>The paths, in order.</returns>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static IReadOnlyList<string> Save(
        this GenerationResult result, string folder, GenerationOptions options, string? scheduler = null, int? firstIndex = null)
    {
        Directory.CreateDirectory(folder);
        string[] files = new string[result.Prompts.Count];
        for (int i = 0; i < files.Length; i++)
        {
            Dictionary<string, string> text = new() { ["parameters"] = Parameters(result, i, options, scheduler) };
            files[i] = firstIndex is { } first ? PathOf(folder, first + (long)i) : PathOf(folder, HighestNumber(folder) + 1);
            while (!Write(files[i], result.Images[i], text, replace: firstIndex is not null))
            {
                files[i] = PathOf(folder, HighestNumber(folder) + 1);
            }
        }

        return files;
    }

    /// <summary>Saves one picture under a name of the caller's, over an older file.</summary>
    /// <param name="result">The pictures.</param>
    /// <param name="index">Which of them, from 0.</param>
    /// <param name="path">A PNG file; its folder is made if it is not there.</param>
    /// <param name="options">What it was drawn with, for the PNG text.</param>
    /// <param name="scheduler">Name of the sampler, for the PNG text; left out if null.</param>
    /// <exception cref="IOException">It cannot be written; an older file is as it was.</exception>
    public static void SavePicture(this GenerationResult result, int index, string path, GenerationOptions options, string? scheduler = null) =>
        ImageFile.WritePng(path, result.Images[index], new Dictionary<string, string> { ["parameters"] = Parameters(result, index, options, scheduler) });

    // False if another process took the name meanwhile.
    private static bool Write(string file, Image<Rgb24> image, Dictionary<string, string> text, bool replace)
    {
        try
        {
            ImageFile.WritePng(file, image, text, replace);
            return true;
        }
        catch (IOException) when (!replace && File.Exists(file))
        {
            return false;
        }
    }

    private static string PathOf(string folder, long number) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number}{Extension}"));

    // -1 in a folder without such names. A gap below the highest number, where a picture was deleted, is not filled.
    private static long HighestNumber(string folder) => new DirectoryInfo(folder).EnumerateFileSystemInfos(Prefix + "*")
        .Where(entry => Path.GetExtension(entry.Name).Equals(Extension, StringComparison.OrdinalIgnoreCase))
        .Select(entry => long.TryParse(Path.GetFileNameWithoutExtension(entry.Name).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number < long.MaxValue ? number : -1)
        .DefaultIfEmpty(-1).Max();

    /// <summary>The text that Stable Diffusion web UIs write into a PNG and read back: prompt, negative prompt, settings.</summary>
    private static string Parameters(GenerationResult result, int index, GenerationOptions options, string? scheduler)
    {
        string negative = options.NegativePrompt.Length > 0 ? $"\nNegative prompt: {options.NegativePrompt}" : "";
        string sampler = (scheduler ?? result.Sampler) is { } name ? $", Sampler: {name}" : "";
        string loras = result.Loras.Count == 0 ? "" :
            $", Loras: {string.Join(" + ", result.Loras.Select(lora => string.Create(CultureInfo.InvariantCulture, $"{lora.Name}:{lora.Weight}")))}";
        string strength = options.Image is null ? "" : string.Create(CultureInfo.InvariantCulture, $", Denoising strength: {options.Strength}");
        string rescale = options.GuidanceRescale is > 0 and { } phi ? string.Create(CultureInfo.InvariantCulture, $", CFG rescale: {phi}") : "";
        string forecast = options.Forecast is null ? "" : ", Forecast: Spectrum";
        string settings = string.Create(
            CultureInfo.InvariantCulture,
            $"Steps: {options.NumInferenceSteps}{sampler}, CFG scale: {options.GuidanceScale}{rescale}, Seed: {(ulong)result.Seeds[index]}, Size: {result.Images[index].Width}x{result.Images[index].Height}{strength}{forecast}{loras}");
        return $"{result.Prompts[index]}{negative}\n{settings}";
    }
}
