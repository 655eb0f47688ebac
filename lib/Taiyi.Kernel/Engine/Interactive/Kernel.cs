using Microsoft.AspNetCore.Html;
using Microsoft.DotNet.Interactive.Formatting;
using Taiyi.Kernel.Engine;

namespace Microsoft.DotNet.Interactive;

/// <summary>The functions that a cell calls by their bare names; imported statically into every cell, as in .NET Interactive.</summary>
public static class Kernel
{
    /// <summary>Shows a value below the cell, in its preferred MIME types or in the given ones.</summary>
    /// <returns>A handle whose <see cref="DisplayedValue.Update"/> replaces the output.</returns>
    public static DisplayedValue display(object? value, params string[] mimeTypes) => CellDisplays.Show(value, mimeTypes);

    /// <summary>Marks a text as HTML: shown as such when it is displayed or a cell's last expression.</summary>
    public static IHtmlContent HTML(string content) => new HtmlString(content);

    /// <summary>Runs a script in the page of the notebook.</summary>
    public static void Javascript(string scriptContent) =>
        CellDisplays.ShowAs($"<script type=\"text/javascript\">{scriptContent}</script>", HtmlFormatter.MimeType);

    /// <summary>Adds a style sheet to the page of the notebook.</summary>
    public static void CSS(string content) =>
        CellDisplays.ShowAs($"<style>{content}</style>", HtmlFormatter.MimeType);

    /// <summary>Asks the reader of the notebook for a line.</summary>
    /// <param name="prompt">The question.</param>
    /// <param name="typeHint">What is asked for: "password" hides what is typed; every other hint is a line of text.</param>
    /// <exception cref="InvalidOperationException">Nobody can answer: the notebook runs without a front end.</exception>
    public static Task<string> GetInputAsync(string prompt = "", string typeHint = "text") =>
        Task.Run(() => CellContext.Ask(prompt, isPassword: typeHint == "password"));

    /// <summary>Asks the reader of the notebook for a line that is not shown while it is typed.</summary>
    /// <param name="prompt">The question.</param>
    /// <exception cref="InvalidOperationException">Nobody can answer: the notebook runs without a front end.</exception>
    public static async Task<PasswordString> GetPasswordAsync(string prompt = "") => new(await GetInputAsync(prompt, "password"));

    /// <summary>Drops what the cell has shown so far, as clear_output of IPython. .NET Interactive has no such function.</summary>
    /// <param name="wait">True to drop it only when the next output arrives, which avoids flicker.</param>
    public static void ClearOutput(bool wait = false) => CellContext.Current?.Output.Publish(new ClearOutput(wait));
}
