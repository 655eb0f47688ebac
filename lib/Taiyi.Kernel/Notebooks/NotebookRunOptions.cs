namespace Taiyi.Kernel.Notebooks;

/// <summary>How notebooks are run.</summary>
public sealed record NotebookRunOptions
{
    /// <summary>Where the executed notebook goes: a file for one notebook, a folder for a folder of them. Null writes in place.</summary>
    public string? Output { get; init; }

    /// <summary>The longest that one cell may run; null for no limit.</summary>
    public TimeSpan? CellTimeout { get; init; }

    /// <summary>Values for variables of the cell tagged <c>parameters</c>, by name.</summary>
    public IReadOnlyDictionary<string, string> Parameters { get; init; } = new Dictionary<string, string>();

    /// <summary>True to run the cells after one that failed; the notebook counts as succeeded then.</summary>
    public bool AllowErrors { get; init; }
}
