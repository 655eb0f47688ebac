using Microsoft.DotNet.Interactive.Formatting;

// In System, as in .NET Interactive: every cell sees x.Display() without a using of its own.
namespace System;

/// <summary>Shows values from a cell.</summary>
public static class DisplayExtensions
{
    /// <summary>Shows a value below the cell, in its preferred MIME types or in the given ones.</summary>
    /// <returns>A handle whose <see cref="DisplayedValue.Update"/> replaces the output.</returns>
    public static DisplayedValue Display(this object? value, params string[] mimeTypes) =>
        new(value, FormattedValue.CreateManyFromObject(value, mimeTypes));

    /// <summary>Shows a text that is already in the given MIME type.</summary>
    public static DisplayedValue DisplayAs(this string value, string mimeType) =>
        new(value, [new FormattedValue(mimeType, value)]);
}
