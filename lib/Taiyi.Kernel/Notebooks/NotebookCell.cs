using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Notebooks;

/// <summary>One cell of a notebook: a view of its JSON.</summary>
public sealed class NotebookCell
{
    private readonly JsonObject _json;

    internal NotebookCell(JsonObject json) => _json = json;

    /// <summary>True for a code cell, false for text.</summary>
    public bool IsCode => NotebookText.StringOf(_json["cell_type"]) == "code";

    /// <summary>The identifier that stays with the cell.</summary>
    public string Id => NotebookText.StringOf(_json["id"]) ?? "";

    /// <summary>The cell's text.</summary>
    public string Source => NotebookText.FromNode(_json["source"]);

    /// <summary>The tags of the cell's metadata.</summary>
    public IReadOnlyList<string> Tags =>
        NotebookText.Find(_json, "metadata", "tags") is JsonArray tags ? [.. tags.Select(NotebookText.StringOf).OfType<string>()] : [];

    /// <summary>The kernel that Polyglot Notebooks noted for the cell, or null.</summary>
    public string? KernelName =>
        NotebookText.StringOf(NotebookText.Find(_json, "metadata", "polyglot_notebook", "kernelName"))
        ?? NotebookText.StringOf(NotebookText.Find(_json, "metadata", "dotnet_interactive", "language"));

    /// <summary>The number of the execution whose outputs are stored, or null.</summary>
    public int? ExecutionCount
    {
        get => _json["execution_count"] is JsonValue value && value.TryGetValue(out int count) ? count : null;
        set => _json["execution_count"] = value;
    }

    /// <summary>What the cell has shown, as nbformat stores it.</summary>
    public JsonArray Outputs
    {
        get => _json["outputs"] as JsonArray ?? [];
        internal set => _json["outputs"] = value;
    }
}
