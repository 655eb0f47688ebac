using System.Text.Json.Nodes;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Notebooks;

/// <summary>A step of a run: a code cell begins, or has ended.</summary>
/// <param name="File">The notebook.</param>
/// <param name="Cell">The number of the code cell, from 1.</param>
/// <param name="CellCount">How many code cells the notebook has.</param>
/// <param name="Status">How the cell ended; null when it begins.</param>
/// <param name="Elapsed">Wall time of the cell; zero when it begins.</param>
public sealed record NotebookProgress(string File, int Cell, int CellCount, CellStatus? Status, TimeSpan Elapsed);

/// <summary>How one code cell ended.</summary>
/// <param name="Index">The cell's index among all cells of the notebook, from 0.</param>
/// <param name="Id">The cell's identifier.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Elapsed">Wall time.</param>
/// <param name="Error">What made it fail, or null.</param>
public sealed record NotebookCellResult(int Index, string Id, CellStatus Status, TimeSpan Elapsed, ErrorOutput? Error);

/// <summary>How one notebook ended.</summary>
/// <param name="File">The notebook that was run.</param>
/// <param name="Output">The file that was written; null when the notebook could not be read or its parameters did not fit.</param>
/// <param name="Succeeded">True when every cell ran, or errors were allowed.</param>
/// <param name="Problem">One sentence on what went wrong; null when it succeeded.</param>
/// <param name="Cells">The code cells that ran.</param>
/// <param name="Elapsed">Wall time.</param>
public sealed record NotebookResult(string File, string? Output, bool Succeeded, string? Problem, IReadOnlyList<NotebookCellResult> Cells, TimeSpan Elapsed)
{
    /// <summary>The result for another program to read; times are in seconds.</summary>
    public JsonObject ToJson() => new()
    {
        ["file"] = File,
        ["output"] = Output,
        ["succeeded"] = Succeeded,
        ["problem"] = Problem,
        ["seconds"] = Math.Round(Elapsed.TotalSeconds, 3),
        ["cells"] = new JsonArray([.. Cells.Select(cell => new JsonObject
        {
            ["index"] = cell.Index,
            ["id"] = cell.Id,
            ["status"] = cell.Status.ToString().ToLowerInvariant(),
            ["seconds"] = Math.Round(cell.Elapsed.TotalSeconds, 3),
            ["error"] = cell.Error is null ? null : $"{cell.Error.Name}: {cell.Error.Value}",
        })]),
    };
}
