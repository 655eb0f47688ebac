using System.Text.Json.Nodes;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Jupyter;

/// <summary>The engine's outputs in the words of the protocol.</summary>
internal static class CellMessages
{
    /// <summary>The IOPub message of one output.</summary>
    /// <param name="output">What the cell shows.</param>
    /// <param name="executionCount">The number that a client writes before the cell's result.</param>
    public static (string Type, JsonObject Content) Of(CellOutput output, int executionCount) => output switch
    {
        StreamOutput stream => ("stream", new() { ["name"] = stream.Name, ["text"] = stream.Text }),
        DisplayOutput display => (display.IsUpdate ? "update_display_data" : "display_data", new()
        {
            ["data"] = display.Data.ToJson(),
            ["metadata"] = new JsonObject(),
            ["transient"] = new JsonObject { ["display_id"] = display.DisplayId },
        }),
        ResultOutput result => ("execute_result", new()
        {
            ["execution_count"] = executionCount,
            ["data"] = result.Data.ToJson(),
            ["metadata"] = new JsonObject(),
        }),
        ErrorOutput error => ("error", ErrorContent(error)),
        ClearOutput clear => ("clear_output", new() { ["wait"] = clear.Wait }),
        _ => throw new InvalidOperationException($"{output.GetType().Name} has no message in the protocol."),
    };

    /// <summary>The content of an execute_reply.</summary>
    public static JsonObject Reply(CellResult result, int executionCount)
    {
        JsonObject content = result.Error is { } error
            ? ErrorContent(error)
            : new() { ["payload"] = new JsonArray(), ["user_expressions"] = new JsonObject() };
        content["status"] = result.Error == null ? "ok" : "error";
        content["execution_count"] = executionCount;
        return content;
    }

    private static JsonObject ErrorContent(ErrorOutput error) => new()
    {
        ["ename"] = error.Name,
        ["evalue"] = error.Value,
        ["traceback"] = new JsonArray([.. error.Traceback.Select(line => JsonValue.Create(line))]),
    };
}
