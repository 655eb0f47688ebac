using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Taiyi.Files;

/// <summary>A network's <c>config.json</c> or a <c>scheduler_config.json</c>, refused with one sentence where it asks for something that the Taiyi family does not use.</summary>
/// <remarks>Unknown fields are ignored, as diffusers writes new ones with every version; those that change the network are listed by hand.</remarks>
internal sealed partial class ConfigFile
{
    private const int LongestShown = 80;

    private static readonly JsonSerializerOptions SnakeCase = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    private readonly string _path;
    private readonly JsonElement _root;

    private ConfigFile(string path, JsonElement root) => (_path, _root) = (path, root);

    /// <exception cref="CheckpointException">The file does not hold a JSON object.</exception>
    public static ConfigFile Open(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(Quoted(TextFile.Read(path)));
            RequireWholeCharacters(document.RootElement);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new ConfigFile(path, document.RootElement.Clone())
                : throw new CheckpointException($"'{path}' holds a JSON {document.RootElement.ValueKind}, not the object of a config: copy the file again.");
        }
        catch (JsonException error)
        {
            throw new CheckpointException($"'{path}' is not valid JSON (line {error.LineNumber + 1}): copy the file again.", error);
        }
        catch (InvalidOperationException error)
        {
            throw new CheckpointException($"'{path}' has half a character, an emoji that was cut in two: copy the file again.", error);
        }
        catch (InvalidDataException error)
        {
            throw new CheckpointException(error.Message, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"'{path}' cannot be read ({error.Message}): it belongs to every model folder, copy it there.", error);
        }
    }

    // Half of a surrogate pair, written as \ud83c, is an InvalidOperationException of whoever first reads the text.
    private static void RequireWholeCharacters(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    RequireWholeCharacters(item);
                }

                break;
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    RequireWholeCharacters(property.Value);
                }

                break;
        }
    }

    /// <summary>The names of all fields.</summary>
    public IEnumerable<string> Fields => _root.EnumerateObject().Select(property => property.Name);

    /// <summary>The same file without any other field; a field that is null counts as absent.</summary>
    public ConfigFile Only(IReadOnlyCollection<string> fields)
    {
        IEnumerable<string> kept = _root.EnumerateObject().Where(field => fields.Contains(field.Name) && Has(field.Name))
            .Select(field => $"{JsonSerializer.Serialize(field.Name)}: {field.Value.GetRawText()}"); // raw, as messages show it
        using JsonDocument document = JsonDocument.Parse($"{{{string.Join(", ", kept)}}}");
        return new ConfigFile(_path, document.RootElement.Clone());
    }

    /// <summary>Whether the file has the field and it is not null.</summary>
    public bool Has(string field) => _root.TryGetProperty(field, out JsonElement value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>Whether the field is true.</summary>
    public bool Flag(string field) => _root.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    /// <summary>The text of a field, or null.</summary>
    public string? Text(string field) =>
        _root.TryGetProperty(field, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Refuses every field of the given JSON object that the file has with another value; absent fields pass.</summary>
    /// <exception cref="CheckpointException">A field has another value.</exception>
    public void Require(string onlyValues)
    {
        using JsonDocument document = JsonDocument.Parse(onlyValues);
        foreach (JsonProperty only in document.RootElement.EnumerateObject())
        {
            bool fits = !_root.TryGetProperty(only.Name, out JsonElement actual) || JsonElement.DeepEquals(actual, only.Value);
            Check(only.Name, fits, $"is {only.Value.GetRawText()}");
        }
    }

    /// <summary>Refuses a field with any other text; an absent or null field passes.</summary>
    /// <exception cref="CheckpointException">The field has another value.</exception>
    public void RequireOneOf(string field, params IEnumerable<string> allowed)
    {
        bool fits = !_root.TryGetProperty(field, out JsonElement actual) || actual.ValueKind == JsonValueKind.Null
            || (actual.ValueKind == JsonValueKind.String && allowed.Contains(actual.GetString()));
        Check(field, fits, $"is {string.Join(" or ", allowed)}");
    }

    /// <exception cref="CheckpointException">The field's value does not hold what it must.</exception>
    public void Check(string field, bool fits, string expected)
    {
        if (!fits)
        {
            string actual = _root.TryGetProperty(field, out JsonElement value) ? Shown(value) : "absent";
            throw new CheckpointException($"'{field}' is {actual} in '{_path}', but in a model of the Taiyi family it {expected}: this file belongs to another kind of model.");
        }
    }

    /// <summary>The sizes as a record; fields that the file lacks keep the record's initial values.</summary>
    /// <exception cref="CheckpointException">A field has a value of another type.</exception>
    public T Deserialize<T>()
    {
        try
        {
            return _root.Deserialize<T>(SnakeCase)!;
        }
        catch (JsonException error)
        {
            string field = (error.Path ?? "$").Split('.', '[') is [_, var name, ..] ? name : "the whole";
            string type = typeof(T).Name;
            Check(field, fits: false, $"has the type that {type} declares for it");
            throw;
        }
    }

    // One line, whatever the field holds.
    private static string Shown(JsonElement value)
    {
        string text = value.GetRawText();
        return value.ValueKind == JsonValueKind.Array && text.Length > LongestShown ? $"a list of {value.GetArrayLength()} values"
            : text.Length > LongestShown ? $"{text[..LongestShown].ReplaceLineEndings(" ")}…" : text;
    }

    // Python's json writes infinity and NaN as bare words, which JSON has not; diffusers has -Infinity in lambda_min_clipped.
    private static string Quoted(string json) =>
        BareWords().Replace(json, match => match.Groups["bare"].Success ? $"\"{match.Value}\"" : match.Value);

    [GeneratedRegex("""
        "(?:\\.|[^"\\])*"|(?<bare>-?Infinity|NaN)
        """, RegexOptions.IgnorePatternWhitespace | RegexOptions.CultureInvariant)]
    private static partial Regex BareWords();
}
