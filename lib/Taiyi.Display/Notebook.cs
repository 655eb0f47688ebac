using Taiyi.Display.Formatting;

namespace Taiyi.Display;

/// <summary>The set-up of a notebook page.</summary>
public static class Notebook
{
    /// <summary>
    /// Brings plotly.js into the notebook, in the output of this cell. Make it the last line of the first cell; without it the
    /// first chart brings it, which is lost when only that chart's cell is run again.
    /// </summary>
    public static NotebookStart Begin() => new();

    /// <summary>Another notebook begins in this process: its first chart carries plotly.js again. For hosts, not for cells.</summary>
    public static void NewPage() => PlotlyScript.NewPage();
}

/// <summary>Shows one sentence, and carries the scripts that later cells of the page use.</summary>
[TypeFormatterSource(typeof(ViewFormatterSource), PreferredMimeTypes = [MimeTypes.Html, MimeTypes.Text])]
public sealed class NotebookStart : View
{
    internal NotebookStart()
    {
    }

    /// <inheritdoc/>
    public override string ToHtml() => $"<div style=\"{Html.Small};opacity:.7\">{Html.Escape(ToText())}</div>{PlotlyScript.ForPage()}";

    /// <inheritdoc/>
    public override string ToText() => "Pictures and charts are ready; they need no network.";
}
