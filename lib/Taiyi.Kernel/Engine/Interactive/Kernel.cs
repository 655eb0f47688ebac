using Microsoft.AspNetCore.Html;
using Microsoft.DotNet.Interactive.Formatting;
using Taiyi.Kernel.Engine;

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

    /// <summary>Drops what the cell has shown so far, as clear_output of IPython. .NET Interactive has no such function.</summary>
    /// <param name="wait">True to drop it only when the next output arrives, which avoids flicker.</param>
    public static void ClearOutput(bool wait = false) => CellContext.Current?.Output.Publish(new ClearOutput(wait));
}
