using Microsoft.AspNetCore.Html;
using Microsoft.DotNet.Interactive.Formatting;

namespace Microsoft.DotNet.Interactive;

/// <summary>The functions that a cell calls by their bare names; imported statically into every cell, as in .NET Interactive.</summary>
public static class Kernel
{
    /// <summary>Shows a value below the cell, in its preferred MIME types or in the given ones.</summary>
    /// <returns>A handle whose <see cref="DisplayedValue.Update"/> replaces the output.</returns>
    public static DisplayedValue display(object? value, params string[] mimeTypes) => value.Display(mimeTypes);

    /// <summary>Marks a text as HTML: shown as such when it is displayed or a cell's last expression.</summary>
    public static IHtmlContent HTML(string content) => new HtmlString(content);

    /// <summary>Runs a script in the page of the notebook.</summary>
    public static void Javascript(string scriptContent) =>
        $"<script type=\"text/javascript\">{scriptContent}</script>".DisplayAs(HtmlFormatter.MimeType);

    /// <summary>Adds a style sheet to the page of the notebook.</summary>
    public static void CSS(string content) =>
        $"<style>{content}</style>".DisplayAs(HtmlFormatter.MimeType);
}
