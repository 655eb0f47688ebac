using Taiyi.Kernel.Engine;

// The formatting package of 2023 has no displayed values; the last .NET Interactive has them in this very namespace.
// The same names here let one cell compile in both.
namespace Microsoft.DotNet.Interactive.Formatting;

/// <summary>A value already formatted for one MIME type; as a cell's last expression it is shown as it is.</summary>
/// <param name="mimeType">For example text/html.</param>
/// <param name="value">The representation.</param>
public sealed class FormattedValue(string mimeType, string value)
{
    /// <summary>The MIME type of <see cref="Value"/>.</summary>
    public string MimeType { get; } = mimeType;

    /// <summary>The representation.</summary>
    public string Value { get; } = value;

    /// <summary>Formats a value for each of the given types, or for its preferred ones.</summary>
    public static IReadOnlyList<FormattedValue> CreateManyFromObject(object? value, params string[] mimeTypes) =>
        [.. MimeBundle.FromObject(value, mimeTypes).Values.Select(pair => new FormattedValue(pair.Key, pair.Value))];

    /// <inheritdoc/>
    public override string ToString() => $"{MimeType}: {Value}";
}
