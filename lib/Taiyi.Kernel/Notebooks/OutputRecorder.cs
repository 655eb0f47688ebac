using System.Text;
using System.Text.Json.Nodes;
using Taiyi.Kernel.Engine;

namespace Taiyi.Kernel.Notebooks;

/// <summary>Turns what the cells of one notebook show into stored outputs, as a Jupyter front end does on saving.</summary>
internal sealed class OutputRecorder
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, JsonObject> _displays = [];

    /// <summary>Begins a cell; its outputs grow in <see cref="Cell.ToJson"/>.</summary>
    public Cell Begin(int executionCount) => new(this, executionCount);

    /// <summary>The outputs of one cell.</summary>
    internal sealed class Cell(OutputRecorder notebook, int executionCount)
    {
        private readonly List<JsonObject> _outputs = [];
        private readonly StringBuilder _stream = new();
        private string? _streamName;
        private bool _clearsOnNext;

        /// <summary>Takes an output in; a background task may still call this while a later cell runs.</summary>
        public void Add(CellOutput output)
        {
            lock (notebook._gate)
            {
                if (output is ClearOutput clear)
                {
                    _clearsOnNext = clear.Wait;
                    if (!clear.Wait)
                    {
                        Clear();
                    }

                    return;
                }

                if (_clearsOnNext)
                {
                    _clearsOnNext = false;
                    Clear();
                }

                Store(output);
            }
        }

        /// <summary>The outputs as nbformat stores them.</summary>
        public JsonArray ToJson()
        {
            lock (notebook._gate)
            {
                CloseStream();
                // Detached copies: an update that comes later must find its output without a parent.
                return new JsonArray([.. _outputs]);
            }
        }

        private void Store(CellOutput output)
        {
            switch (output)
            {
                case StreamOutput stream:
                    if (_streamName != stream.Name)
                    {
                        CloseStream();
                        _streamName = stream.Name;
                    }

                    _stream.Append(stream.Text);
                    break;
                case DisplayOutput { IsUpdate: true } update:
                    if (notebook._displays.TryGetValue(update.DisplayId, out JsonObject? shown))
                    {
                        shown["data"] = Data(update.Data);
                    }

                    break;
                case DisplayOutput display:
                    JsonObject stored = new() { ["data"] = Data(display.Data), ["metadata"] = new JsonObject(), ["output_type"] = "display_data" };
                    notebook._displays[display.DisplayId] = stored;
                    Append(stored);
                    break;
                case ResultOutput result:
                    Append(new() { ["data"] = Data(result.Data), ["execution_count"] = executionCount, ["metadata"] = new JsonObject(), ["output_type"] = "execute_result" });
                    break;
                case ErrorOutput error:
                    Append(new()
                    {
                        ["ename"] = error.Name,
                        ["evalue"] = UnpairedSurrogates.Replace(error.Value),
                        ["output_type"] = "error",
                        ["traceback"] = new JsonArray([.. error.Traceback.Select(line => (JsonNode)UnpairedSurrogates.Replace(line))]),
                    });
                    break;
            }
        }

        private void Append(JsonObject output)
        {
            CloseStream();
            _outputs.Add(output);
        }

        private void CloseStream()
        {
            if (_stream.Length > 0)
            {
                _outputs.Add(new() { ["name"] = _streamName, ["output_type"] = "stream", ["text"] = NotebookText.ToLines(UnpairedSurrogates.Replace(_stream.ToString())) });
                _stream.Clear();
            }

            _streamName = null;
        }

        private void Clear()
        {
            _outputs.Clear();
            _stream.Clear();
            _streamName = null;
        }

        // Text is stored by lines; pictures stay one string and JSON stays JSON.
        private static JsonObject Data(MimeBundle bundle)
        {
            JsonObject data = bundle.ToJson();
            foreach ((string mimeType, string value) in bundle.Values)
            {
                if (mimeType.StartsWith("text/", StringComparison.Ordinal) || mimeType is "image/svg+xml" or "application/javascript")
                {
                    data[mimeType] = NotebookText.ToLines(UnpairedSurrogates.Replace(value));
                }
            }

            return data;
        }
    }
}
