using Microsoft.DotNet.Interactive.Formatting;
using Taiyi.Kernel.Engine;

// In System, as in .NET Interactive: every cell sees x.Display() without a using of its own.
namespace System;

/// <summary>Shows values from a cell.</summary>
public static class CellDisplayExtensions
{
    /// <summary>Shows a value below the cell, in its preferred MIME types or in the given ones.</summary>
    /// <remarks>
    /// The formatting package has a method of the same name, which gives a handle of an output that was never shown. A span of
    /// parameters is the better conversion for the compiler, so a cell calls this one.
    /// </remarks>
    /// <returns>A handle whose <see cref="DisplayedValue.Update"/> replaces the output.</returns>
    public static DisplayedValue Display(this object? value, params ReadOnlySpan<string> mimeTypes) => CellDisplays.Show(value, mimeTypes.ToArray());
}
