using System.Globalization;
using System.Text.Json;
using Taiyi.Data;
using Taiyi.Files;

namespace Taiyi.Batches;

/// <summary>
/// Reads a file of prompts: <c>.csv</c> with a line of column names, <c>.jsonl</c> with an object a line, or any other text file with a
/// prompt a line. Columns and keys are <c>prompt</c>, <c>negative_prompt</c>, <c>seed</c>, <c>num_images</c>, <c>steps</c>,
/// <c>guidance_scale</c>, <c>height</c> and <c>width</c>; an empty field is one that is not there.
/// </summary>
public static class PromptFile
{
    private static readonly string[] Names = ["prompt", "negative_prompt", "seed", "num_images", "steps", "guidance_scale", "height", "width"];

    /// <summary>Reads all rows; lines without text are left out.</summary>
    /// <param name="path">The file, in UTF-8.</param>
    /// <returns>The rows in the order of the file, one at least.</returns>
    /// <exception cref="PromptFileException">There is no prompt, or a row is malformed: the message names its line.</exception>
    /// <exception cref="IOException">There is no such file, or it cannot be read.</exception>
    public static IReadOnlyList<PromptRequest> Read(string path)
    {
        string text;
        try
        {
            text = TextFile.Read(path);
        }
        catch (InvalidDataException error)
        {
            throw new PromptFileException(error.Message, error);
        }

        PromptRequest[] requests = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" => [.. ReadCsv(path, text)],
            ".jsonl" or ".ndjson" => [.. ReadJsonLines(path, text)],
            _ => [.. Lines(text).Select(line => new PromptRequest(line.Number, line.Text))],
        };
        return requests.Length > 0
            ? requests
            : throw new PromptFileException($"'{path}' holds no prompt: write one a line, such as 一只狮子.");
    }

    private static IEnumerable<(int Number, string Text)> Lines(string text) =>
        text.Split('\n').Select((line, i) => (i + 1, line.Trim())).Where(line => line.Item2.Length > 0);

    private static IEnumerable<PromptRequest> ReadCsv(string path, string text)
    {
        List<string>? header = null;
        foreach ((int line, List<string> fields) in CsvRows(path, text))
        {
            if (header is null)
            {
                header = [.. fields.Select(name => name.Trim())];
                continue;
            }

            if (fields.Count != header.Count)
            {
                throw new PromptFileException(
                    $"'{path}' line {line} has {fields.Count} fields, its header has {header.Count}: put quotes around a prompt that holds a comma.");
            }

            yield return RequestOf(path, line, header.Zip(fields, (name, field) => (name, field.Trim())));
        }
    }

    private static (int Line, List<string> Fields)[] CsvRows(string path, string text)
    {
        try
        {
            return [.. CsvTable.Rows(text)];
        }
        catch (FormatException error)
        {
            throw new PromptFileException($"'{path}' {error.Message}.", error);
        }
    }

    private static IEnumerable<PromptRequest> ReadJsonLines(string path, string text)
    {
        foreach ((int number, string line) in Lines(text))
        {
            using JsonDocument document = Parse(path, number, line);
            JsonElement root = document.RootElement;
            yield return root.ValueKind == JsonValueKind.Object
                ? RequestOf(path, number, root.EnumerateObject().Select(property => (property.Name, TextOf(property.Value))))
                : throw new PromptFileException($"'{path}' line {number} is a JSON {root.ValueKind}; it must be an object such as {{\"prompt\": \"一只狮子\", \"seed\": 7}}.");
        }
    }

    private static JsonDocument Parse(string path, int line, string json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException error)
        {
            throw new PromptFileException($"'{path}' line {line} is not valid JSON: {error.Message}", error);
        }
    }

    private static string TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString()!.Trim(),
        JsonValueKind.Null => "",
        _ => value.GetRawText(),
    };

    private static PromptRequest RequestOf(string path, int line, IEnumerable<(string Name, string Value)> fields)
    {
        PromptRequest request = new(line, "");
        foreach ((string name, string value) in fields.Where(field => field.Value.Length > 0 || !Names.Contains(field.Name)))
        {
            string where = $"'{path}' line {line}: {name}";
            request = name switch
            {
                "prompt" => request with { Prompt = value },
                "negative_prompt" => request with { NegativePrompt = value },
                "seed" => request with { Seed = SeedOf(where, value) },
                "num_images" => request with { NumImages = CountOf(where, value) },
                "steps" => request with { Steps = CountOf(where, value) },
                "guidance_scale" => request with { GuidanceScale = NumberOf(where, value) },
                "height" => request with { Height = CountOf(where, value) },
                "width" => request with { Width = CountOf(where, value) },
                _ => throw new PromptFileException($"'{path}' line {line} has '{name}', which no option is called; there are {string.Join(", ", Names)}."),
            };
        }

        return request.Prompt.Length > 0 ? request : throw new PromptFileException($"'{path}' line {line} has no prompt: give one, such as 一只狮子.");
    }

    private static int CountOf(string where, string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0
        ? count
        : throw new PromptFileException($"{where} is {text}; it must be a whole number, 1 or more.");

    private static double NumberOf(string where, string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
        ? number
        : throw new PromptFileException($"{where} is {text}; it must be a number, such as 7.5.");

    private static long SeedOf(string where, string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed) ? unchecked((long)seed)
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long negative) ? negative
        : throw new PromptFileException($"{where} is {text}; it must be a whole number from 0 to {ulong.MaxValue}, which is 2^64 - 1.");
}
