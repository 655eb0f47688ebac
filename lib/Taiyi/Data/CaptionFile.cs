using System.Text.Json;

namespace Taiyi.Data;

/// <summary>Where a folder of pictures keeps its captions.</summary>
public enum CaptionFormat
{
    /// <summary>One text file a picture, of the same name: <c>lion.png</c> and <c>lion.txt</c>.</summary>
    TextFiles,

    /// <summary><c>metadata.jsonl</c>, one object a line: <c>{"file_name": "lion.png", "text": "一只狮子"}</c> (Hugging Face imagefolder).</summary>
    MetadataJsonl,

    /// <summary><c>metadata.csv</c> with the columns <c>file_name</c> and <c>text</c> (Hugging Face imagefolder).</summary>
    MetadataCsv,

    /// <summary><c>captions.json</c>: one object of file names and captions, or a list of objects as in <see cref="MetadataJsonl"/>.</summary>
    CaptionsJson,
}

/// <summary>One caption and the file it speaks of, with '/' between folders, relative to the data folder.</summary>
internal sealed record CaptionEntry(string FileName, string Caption);

/// <summary>Reads the captions of a folder in any of the four formats.</summary>
internal static class CaptionFile
{
    private static readonly (string Name, CaptionFormat Format)[] Names =
    [
        ("metadata.jsonl", CaptionFormat.MetadataJsonl),
        ("metadata.csv", CaptionFormat.MetadataCsv),
        ("captions.json", CaptionFormat.CaptionsJson),
    ];

    private static readonly string[] FileKeys = ["file_name", "file", "image"];
    private static readonly string[] CaptionKeys = ["text", "caption"];

    /// <summary>The format that the folder uses: a caption file if it has one, else a text file a picture.</summary>
    /// <exception cref="DatasetException">The folder has caption files of two formats.</exception>
    public static CaptionFormat FormatOf(string folder)
    {
        (string Name, CaptionFormat Format)[] present = [.. Names.Where(file => File.Exists(Path.Combine(folder, file.Name)))];
        return present.Length switch
        {
            0 => CaptionFormat.TextFiles,
            1 => present[0].Format,
            _ => throw new DatasetException($"'{folder}' has both {present[0].Name} and {present[1].Name}: keep the one that holds the captions."),
        };
    }

    /// <summary>Reads the one caption file of a folder.</summary>
    /// <exception cref="DatasetException">The file is malformed: the message names it and the line.</exception>
    public static IReadOnlyList<CaptionEntry> Read(string folder, CaptionFormat format)
    {
        string path = Path.Combine(folder, Names.Single(file => file.Format == format).Name);
        string text = File.ReadAllText(path);
        return format switch
        {
            CaptionFormat.MetadataJsonl => [.. ReadJsonl(path, text)],
            CaptionFormat.MetadataCsv => [.. ReadCsv(path, text)],
            _ => [.. ReadJson(path, text)],
        };
    }

    private static IEnumerable<CaptionEntry> ReadJsonl(string path, string text)
    {
        int line = 0;
        foreach (string json in text.Split('\n'))
        {
            line++;
            if (!string.IsNullOrWhiteSpace(json))
            {
                using JsonDocument document = Parse(json, $"'{path}' line {line}");
                yield return EntryOf(document.RootElement, $"'{path}' line {line}");
            }
        }
    }

    private static IEnumerable<CaptionEntry> ReadJson(string path, string text)
    {
        using JsonDocument document = Parse(text, $"'{path}'");
        JsonElement root = document.RootElement;
        switch (root.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in root.EnumerateObject())
                {
                    yield return new CaptionEntry(Normalise(property.Name), StringOf(property.Value, $"'{path}', entry '{property.Name}'"));
                }

                break;
            case JsonValueKind.Array:
                foreach ((int index, JsonElement element) in root.EnumerateArray().Index())
                {
                    yield return EntryOf(element, $"'{path}', entry {index + 1}");
                }

                break;
            default:
                throw new DatasetException($"'{path}' must hold an object {{\"file\": \"caption\"}} or a list of objects, it holds a {root.ValueKind}.");
        }
    }

    private static IEnumerable<CaptionEntry> ReadCsv(string path, string text)
    {
        (int Line, List<string> Fields)[] rows = [.. CsvTable.Rows(text)];
        List<string> header = rows.Length > 0 ? [.. rows[0].Fields.Select(name => name.Trim())] : [];
        int file = header.FindIndex(FileKeys.Contains);
        int caption = header.FindIndex(CaptionKeys.Contains);
        if (file < 0 || caption < 0)
        {
            throw new DatasetException($"'{path}' must start with a line that names the columns file_name and text, it has: {string.Join(", ", header)}.");
        }

        foreach ((int line, List<string> fields) in rows.Skip(1))
        {
            if (fields.Count != header.Count)
            {
                throw new DatasetException($"'{path}' line {line} has {fields.Count} fields, its header has {header.Count}: put quotes around a caption that holds a comma.");
            }

            yield return new CaptionEntry(Normalise(fields[file]), fields[caption].Trim());
        }
    }

    private static JsonDocument Parse(string json, string where)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException e)
        {
            throw new DatasetException($"{where} is not valid JSON: {e.Message}", e);
        }
    }

    private static CaptionEntry EntryOf(JsonElement element, string where) =>
        new(Normalise(ValueOf(element, FileKeys, where)), ValueOf(element, CaptionKeys, where));

    private static string ValueOf(JsonElement element, string[] keys, string where)
    {
        foreach (string key in keys)
        {
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out JsonElement value))
            {
                return StringOf(value, $"{where}, key '{key}'");
            }
        }

        throw new DatasetException($"{where} must be an object with one of the keys {string.Join(", ", keys)}.");
    }

    private static string StringOf(JsonElement value, string where) => value.ValueKind == JsonValueKind.String
        ? value.GetString()!.Trim()
        : throw new DatasetException($"{where} must be a text, it is a {value.ValueKind}.");

    private static string Normalise(string fileName)
    {
        string slashed = fileName.Trim().Replace('\\', '/');
        return slashed.StartsWith("./", StringComparison.Ordinal) ? slashed[2..] : slashed;
    }
}
