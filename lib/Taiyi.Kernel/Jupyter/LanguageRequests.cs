using System.Text.Json.Nodes;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Jupyter;

/// <summary>Answers what an editor asks while a cell is written: complete_request, inspect_request, is_complete_request.</summary>
internal sealed class LanguageRequests(CSharpEngine engine)
{
    /// <summary>Answers complete_request; the kinds of the matches are in the metadata that JupyterLab reads.</summary>
    public async Task<JsonObject?> CompleteAsync(JupyterMessage request)
    {
        (string code, int position) = Cursor(request);
        Completions completions = await engine.CompleteAsync(code, position);
        int start = CodePoints.FromIndex(code, completions.Start), end = CodePoints.FromIndex(code, completions.End);
        JsonNode[] types = [.. completions.Entries.Select(entry =>
            new JsonObject { ["text"] = entry.Text, ["type"] = entry.Kind.ToLowerInvariant(), ["start"] = start, ["end"] = end })];
        return new JsonObject
        {
            ["status"] = "ok",
            ["matches"] = new JsonArray([.. completions.Entries.Select(entry => JsonValue.Create(entry.Text))]),
            ["cursor_start"] = start,
            ["cursor_end"] = end,
            ["metadata"] = new JsonObject { ["_jupyter_types_experimental"] = new JsonArray(types) },
        };
    }

    /// <summary>Answers inspect_request with signature and documentation as plain text.</summary>
    public async Task<JsonObject?> InspectAsync(JupyterMessage request)
    {
        (string code, int position) = Cursor(request);
        Inspection? found = await engine.InspectAsync(code, position);
        var data = new JsonObject();
        if (found != null)
        {
            data["text/plain"] = found.Documentation.Length == 0 ? found.Signature : $"{found.Signature}\n\n{found.Documentation}";
        }

        return new JsonObject { ["status"] = "ok", ["found"] = found != null, ["data"] = data, ["metadata"] = new JsonObject() };
    }

    /// <summary>Answers is_complete_request.</summary>
    public static Task<JsonObject?> IsCompleteAsync(JupyterMessage request)
    {
        Completeness completeness = CSharpEngine.IsComplete(Code(request));
        var content = new JsonObject { ["status"] = completeness.Status.ToString().ToLowerInvariant() };
        if (completeness.Status == CompletenessStatus.Incomplete)
        {
            content["indent"] = completeness.Indent;
        }

        return Task.FromResult<JsonObject?>(content);
    }

    private static (string Code, int Index) Cursor(JupyterMessage request)
    {
        string code = Code(request);
        return (code, CodePoints.ToIndex(code, (int?)request.Content["cursor_pos"] ?? int.MaxValue));
    }

    private static string Code(JupyterMessage request) =>
        (string?)request.Content["code"] ?? throw new ArgumentException($"{request.Type} has no 'code'.");
}
