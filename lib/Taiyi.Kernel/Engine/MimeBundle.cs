using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Html;
using Microsoft.DotNet.Interactive.Formatting;

namespace Taiyi.Kernel.Engine;

/// <summary>One value in several representations, by MIME type; the front end shows the richest it knows.</summary>
/// <param name="values">The representations; JSON types hold JSON text, pictures hold base64.</param>
public sealed class MimeBundle(IReadOnlyDictionary<string, string> values)
{
    // Numbers need no table and no style sheet: a notebook full of them stays readable as a file.
    static MimeBundle()
    {
        Type[] scalars = [typeof(bool), typeof(byte), typeof(short), typeof(int), typeof(long), typeof(float), typeof(double), typeof(decimal), typeof(char), typeof(TimeSpan)];
        foreach (Type type in scalars)
        {
            Formatter.SetPreferredMimeTypesFor(type, PlainTextFormatter.MimeType);
        }
    }

    /// <summary>The representations by MIME type, the preferred one first.</summary>
    public IReadOnlyDictionary<string, string> Values { get; } = values;

    /// <summary>The text form that every bundle carries, or the empty string when only other types were asked for.</summary>
    public string PlainText => Values.GetValueOrDefault(PlainTextFormatter.MimeType, "");

    /// <summary>Formats a value as .NET Interactive does: in the preferred types of its own type, and always as text.</summary>
    /// <param name="value">Any value, null included.</param>
    /// <param name="mimeTypes">The wanted types; none means the preferred ones and text/plain.</param>
    /// <exception cref="ArgumentException">No formatter produces a wanted type for this value.</exception>
    public static MimeBundle FromObject(object? value, params IReadOnlyList<string> mimeTypes)
    {
        switch (value)
        {
            case FormattedValue formatted:
                return FromFormatted([formatted]);
            case IEnumerable<FormattedValue> formatted:
                return FromFormatted(formatted);
        }

        IEnumerable<string> wanted = mimeTypes.Count > 0
            ? mimeTypes
            : [.. Formatter.GetPreferredMimeTypesFor(value?.GetType()), PlainTextFormatter.MimeType];
        Dictionary<string, string> values = [];
        foreach (string mimeType in wanted.Distinct())
        {
            values[mimeType] = value.ToDisplayString(mimeType);
        }

        if (value is IHtmlContent && values.TryGetValue(HtmlFormatter.MimeType, out string? html) && values.ContainsKey(PlainTextFormatter.MimeType))
        {
            // A page with pictures in it would stand in the notebook twice.
            values[PlainTextFormatter.MimeType] = $"HTML of {html.Length} characters";
        }

        return new MimeBundle(values);
    }

    /// <summary>A bundle of representations that are ready.</summary>
    public static MimeBundle FromFormatted(IEnumerable<FormattedValue> formatted) =>
        new(formatted.DistinctBy(value => value.MimeType).ToDictionary(value => value.MimeType, value => value.Value ?? ""));

    /// <summary>The <c>data</c> object of a Jupyter message: JSON types become JSON, all others strings.</summary>
    public JsonObject ToJson()
    {
        JsonObject data = [];
        foreach ((string mimeType, string value) in Values)
        {
            data[mimeType] = IsJson(mimeType) ? ParseOrQuote(value) : JsonValue.Create(value);
        }

        return data;
    }

    private static bool IsJson(string mimeType) =>
        mimeType == "application/json" || (mimeType.EndsWith("+json", StringComparison.Ordinal) && mimeType.StartsWith("application/", StringComparison.Ordinal));

    // A formatter of the user's may write anything under a JSON type: the text is then shown rather than lost.
    private static JsonNode? ParseOrQuote(string value)
    {
        try
        {
            return JsonNode.Parse(value);
        }
        catch (JsonException)
        {
            return JsonValue.Create(value);
        }
    }
}
