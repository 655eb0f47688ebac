using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Notebooks;

/// <summary>
/// A Jupyter notebook file. The JSON of the file is kept as it is, order and unknown fields included; only what is set through
/// this class changes, so that a run makes a small diff.
/// </summary>
public sealed class NotebookDocument
{
    private const int Major = 4;
    private const int Minor = 5;

    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        IndentSize = 1,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = 256,
    };

    private readonly JsonObject _root;
    private readonly JsonArray _cells;

    private NotebookDocument(JsonObject root, JsonArray cells)
    {
        _root = root;
        _cells = cells;
        BringUpToDate();
    }

    /// <summary>The cells in their order.</summary>
    public IReadOnlyList<NotebookCell> Cells => [.. _cells.Select(cell => new NotebookCell(cell!.AsObject()))];

    /// <summary>The language that the notebook declares for its cells, or null.</summary>
    public string? Language =>
        NotebookText.StringOf(NotebookText.Find(_root, "metadata", "kernelspec", "language")) ?? NotebookText.StringOf(NotebookText.Find(_root, "metadata", "language_info", "name"));

    /// <summary>Reads a file of nbformat 4.</summary>
    /// <exception cref="NotebookException">The file is no such notebook.</exception>
    public static NotebookDocument Read(string path)
    {
        string text = File.ReadAllText(path);
        return Path.GetExtension(path).ToLowerInvariant() is ".dib" or ".dotnet-interactive" || text.TrimStart().StartsWith("#!", StringComparison.Ordinal)
            ? throw new NotebookException($"'{path}' is a script of Polyglot Notebooks (.dib), which keeps no outputs: open it in VS Code and save it as .ipynb, then run that file.")
            : Parse(text, path);
    }

    /// <summary>Reads a notebook from its JSON text.</summary>
    /// <param name="json">The text.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="NotebookException">The text is no notebook of nbformat 4.</exception>
    public static NotebookDocument Parse(string json, string name = "notebook")
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(UnpairedSurrogates.ReplaceInJson(json), documentOptions: new JsonDocumentOptions { MaxDepth = 256, AllowDuplicateProperties = false });
        }
        catch (JsonException exception)
        {
            throw new NotebookException($"'{name}' is not JSON ({exception.Message.TrimEnd('.')}): it is no notebook, or it was cut short.");
        }

        if (root is not JsonObject document || document["cells"] is not JsonArray cells || !cells.All(cell => cell is JsonObject json && json["cell_type"] is JsonValue))
        {
            throw new NotebookException($"'{name}' has no list of cells: nbformat 4 is needed; open an older notebook in Jupyter once and save it.");
        }

        int textless = cells.TakeWhile(cell => NotebookText.IsText(cell!["source"])).Count();
        if (textless < cells.Count)
        {
            throw new NotebookException($"'{name}' has in cell {textless + 1} a source that is no text: the file is damaged, save it in Jupyter anew.");
        }

        return document["nbformat"] is JsonValue format && format.TryGetValue(out int major) && major == Major
            ? new NotebookDocument(document, cells)
            : throw new NotebookException($"'{name}' has nbformat {document["nbformat"]?.ToJsonString() ?? "missing"}; {Major} is needed: open it in Jupyter once and save it.");
    }

    /// <summary>The text of the file as Jupyter writes it: one space of indentation, characters unescaped, a line end at the end.</summary>
    public string ToJson() => NotebookEscapes.Simplify(_root.ToJsonString(Format)) + "\n";

    /// <summary>Writes the file; what stood there before stays whole until the new text is complete.</summary>
    public void Write(string path) => AtomicWrite.Text(path, ToJson());

    /// <summary>Puts a new code cell at an index.</summary>
    /// <param name="index">Its index in <see cref="Cells"/>.</param>
    /// <param name="source">Its code.</param>
    /// <param name="tags">The tags of its metadata.</param>
    public void InsertCode(int index, string source, params IReadOnlyList<string> tags)
    {
        JsonObject cell = new()
        {
            ["cell_type"] = "code",
            ["execution_count"] = null,
            ["id"] = IdFor(index, source),
            ["metadata"] = new JsonObject { ["tags"] = new JsonArray([.. tags.Select(tag => (JsonNode)tag)]) },
            ["outputs"] = new JsonArray(),
            ["source"] = NotebookText.ToLines(source),
        };
        _cells.Insert(index, cell);
    }

    /// <summary>Removes the cell at an index.</summary>
    public void RemoveCell(int index) => _cells.RemoveAt(index);

    // Minor versions before 5 have no cell identifiers; 5 wants one on every cell.
    private void BringUpToDate()
    {
        if (_root["nbformat_minor"] is not JsonValue minor || !minor.TryGetValue(out int value) || value < Minor)
        {
            _root["nbformat_minor"] = Minor;
        }

        for (int i = 0; i < _cells.Count; i++)
        {
            JsonObject cell = _cells[i]!.AsObject();
            if (cell["id"] is null)
            {
                cell.Remove("id");
                // Jupyter sorts keys: the identifier stands after cell_type and execution_count.
                cell.Insert(cell.TakeWhile(pair => string.CompareOrdinal(pair.Key, "id") < 0).Count(), "id", IdFor(i, new NotebookCell(cell).Source));
            }
        }
    }

    // From the contents, so that a second run of the same file gives the same file.
    private static string IdFor(int index, string source) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{index}\n{source}")))[..8];
}
