using System.Text.Json;
using System.Text.RegularExpressions;
using Taiyi.Files;

namespace Taiyi.Data;

/// <summary>Where a folder of pictures keeps its captions.</summary>
public enum CaptionFormat
{
    /// <summary>One text file a picture, of the same name: <c>lion.png</c> and <c>lion.txt</c> (or <c>lion.caption</c>, as kohya's scripts have it).</summary>
    TextFiles,

    /// <summary><c>metadata.jsonl</c>, one object a line: <c>{"file_name": "lion.png", "text": "一只狮子"}</c> (Hugging Face imagefolder).</summary>
    MetadataJsonl,

    /// <summary><c>metadata.csv</c> with the columns <c>file_name</c> and <c>text</c> (Hugging Face imagefolder).</summary>
    MetadataCsv,

    /// <summary><c>captions.json</c>: one object of file names and captions, or a list of objects as in <see cref="MetadataJsonl"/>.</summary>
    CaptionsJson,
}

/// <summary>A caption and the picture that it belongs to.</summary>
/// <param name="Key">What the picture's own key must equal: its name, or its name without extension where the caption has a file of its own.</param>
/// <param name="Caption">The text.</param>
/// <param name="Name">What a report calls it: the picture's name, or that of the text file. All names have '/' between folders and are relative to the data folder.</param>
internal sealed record CaptionEntry(string Key, string Caption, string Name);

/// <summary>Reads the captions of a folder in any of the four formats.</summary>
internal static partial class CaptionFile
{
    private const string LostCharacter = "U+FFFD, the sign for a character that an earlier program lost: write the caption anew.";

    private static readonly (string Name, CaptionFormat Format)[] Names =
    [
        ("metadata.jsonl", CaptionFormat.MetadataJsonl),
        ("metadata.csv", CaptionFormat.MetadataCsv),
        ("captions.json", CaptionFormat.CaptionsJson),
    ];

    /// <summary>Where captions are read from, for messages.</summary>
    public const string ReadFrom = "metadata.jsonl, metadata.csv, captions.json, or a .txt or .caption file for each picture";

    private static readonly string[] TextExtensions = [".txt", ".caption"];

    // Captions, tags, tables and caches of other tools.
    private static readonly string[] OtherExtensions =
    [
        ".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".xlsx", ".parquet", ".arrow", ".cap", ".tags", ".tag", ".toml", ".yaml", ".yml", ".xml", ".npz", ".npy",
        ".zip", ".tar", ".rar", ".7z", ".mp4", ".mov", ".webm",
    ];
    private static readonly string[] FileKeys = ["file_name", "file", "image"];
    private static readonly string[] CaptionKeys = ["text", "caption"];

    /// <summary>The caption files among the files of a data folder, at most one a folder; empty where each picture has a text file of its own.</summary>
    /// <param name="folder">The data folder.</param>
    /// <param name="files">All its files, relative to it.</param>
    /// <exception cref="DatasetException">One folder has caption files of two formats.</exception>
    public static IReadOnlyList<(string File, CaptionFormat Format)> FindAll(string folder, IEnumerable<string> files)
    {
        (string File, CaptionFormat Format)[] found =
        [
            .. from name in Names
               from file in files
               where Path.GetFileName(file) == name.Name
               select (file, name.Format),
        ];
        if (found.GroupBy(file => FolderOf(file.File)).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new DatasetException(
                $"'{Path.Combine(folder, twice.Key)}' has both {string.Join(" and ", twice.Select(file => Path.GetFileName(file.File)))}: keep the one that holds the captions.");
        }

        return found;
    }

    /// <summary>Reads one caption file; the names in it are relative to the folder that it is in.</summary>
    /// <exception cref="DatasetException">The file is malformed: the message names it and the line.</exception>
    public static IReadOnlyList<CaptionEntry> Read(string folder, string file, CaptionFormat format, out string? encoding)
    {
        string path = Path.Combine(folder, file), below = FolderOf(file);
        string text = TextOf(path, out encoding);
        RefuseHalfCharacters(path, format == CaptionFormat.MetadataCsv ? "" : text);
        IEnumerable<(string Picture, string Caption)> pairs = format switch
        {
            CaptionFormat.MetadataJsonl => ReadJsonl(path, text),
            CaptionFormat.MetadataCsv => ReadCsv(path, text),
            _ => ReadJson(path, text),
        };
        CaptionEntry[] entries = [.. pairs.Select(pair => (Picture: Normalise($"{below}/{pair.Picture}"), pair.Caption))
            .Select(pair => new CaptionEntry(pair.Picture, pair.Caption, pair.Picture))];
        return Array.Find(entries, entry => entry.Caption.Contains('\uFFFD')) is { } lost
            ? throw new DatasetException($"'{path}' has in the caption of '{lost.Name}' {LostCharacter}")
            : entries;
    }

    /// <summary>Whether a file's name is that of a text file with one picture's caption: <c>.txt</c>, or <c>.caption</c> as kohya's scripts have it.</summary>
    public static bool IsTextFile(string file) => TextExtensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a file looks like captions or data in a form that is not read: it is none of the names above.</summary>
    public static bool IsOther(string file) =>
        OtherExtensions.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase) && !Names.Any(name => name.Name == Path.GetFileName(file));

    /// <summary>Reads the caption of one picture from a text file of its own.</summary>
    /// <exception cref="DatasetException">The file is in no certain encoding: the message names it and the line.</exception>
    public static CaptionEntry ReadText(string folder, string file, out string? encoding)
    {
        string path = Path.Combine(folder, file), text = TextOf(path, out encoding);
        int lost = text.IndexOf('\uFFFD');
        return lost >= 0
            ? throw new DatasetException($"'{path}' line {text.AsSpan(0, lost).Count('\n') + 1} has {LostCharacter}")
            : new CaptionEntry(Stem(file), text.Trim(), file);
    }

    /// <summary>A file's name without its extension.</summary>
    public static string Stem(string file) => file[..^Path.GetExtension(file).Length];

    /// <summary>Reads a whole text file of a data set.</summary>
    /// <exception cref="DatasetException">The file is in no certain encoding: the message names it and the line.</exception>
    public static string TextOf(string path, out string? encoding)
    {
        try
        {
            return TextFile.Read(path, out encoding);
        }
        catch (InvalidDataException error)
        {
            throw new DatasetException(error.Message, error);
        }
    }

    // Half of a surrogate pair, written as \ud83c, is no character; JSON's readers fail on it later and say less.
    private static void RefuseHalfCharacters(string path, string json)
    {
        if (SurrogateEscapes().Matches(json).FirstOrDefault(match => match.Groups["half"].Success) is { } half)
        {
            int line = json.AsSpan(0, half.Index).Count('\n') + 1;
            throw new DatasetException($"'{path}' line {line} has half a character, {half.Value}: an emoji was cut in two, write the caption anew.");
        }
    }

    [GeneratedRegex("""
        \\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    private static partial Regex SurrogateEscapes();

    private static IEnumerable<(string Picture, string Caption)> ReadJsonl(string path, string text)
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

    private static IEnumerable<(string Picture, string Caption)> ReadJson(string path, string text)
    {
        using JsonDocument document = Parse(text, $"'{path}'");
        JsonElement root = document.RootElement;
        switch (root.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in root.EnumerateObject())
                {
                    yield return (property.Name, StringOf(property.Value, $"'{path}', entry '{property.Name}'"));
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

    private static IEnumerable<(string Picture, string Caption)> ReadCsv(string path, string text)
    {
        (int Line, List<string> Fields)[] rows = Rows(path, text);
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

            yield return (fields[file], fields[caption].Trim());
        }
    }

    private static (int Line, List<string> Fields)[] Rows(string path, string text)
    {
        try
        {
            return [.. CsvTable.Rows(text)];
        }
        catch (FormatException error)
        {
            throw new DatasetException($"'{path}' {error.Message}.", error);
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

    private static (string Picture, string Caption) EntryOf(JsonElement element, string where) =>
        (ValueOf(element, FileKeys, where), ValueOf(element, CaptionKeys, where));

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

    private static string FolderOf(string file) => file[..Math.Max(file.LastIndexOf('/'), 0)];

    // ./a.png, sub\a.png and sub/../a.png are a.png, sub/a.png and a.png.
    private static string Normalise(string name)
    {
        List<string> parts = [];
        foreach (string part in name.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (part == ".." && parts.Count > 0 && parts[^1] != "..")
            {
                parts.RemoveAt(parts.Count - 1);
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        return string.Join('/', parts);
    }
}
