using System.IO.Enumeration;
using System.Text.Json.Nodes;

namespace Taiyi.Kernel.Jupyter;

/// <summary>The cells of this session and the plain text of their results, for the arrow keys and the search of a client.</summary>
internal sealed class KernelHistory
{
    // This kernel keeps one session: clients count them from 1.
    private const int Session = 1;

    private readonly List<Entry> _entries = [];

    /// <summary>Adds a cell that was executed with store_history.</summary>
    public void Add(int line, string input, string? output) => _entries.Add(new Entry(line, input, output));

    /// <summary>The content of a history_reply.</summary>
    /// <exception cref="ArgumentException">The access type is none of tail, range, search.</exception>
    public JsonObject Reply(JsonObject request)
    {
        bool withOutput = (bool?)request["output"] ?? false;
        IEnumerable<Entry> found = (string?)request["hist_access_type"] switch
        {
            "tail" => _entries.TakeLast((int?)request["n"] ?? 10),
            "range" => Range(request),
            "search" => Search(request),
            var other => throw new ArgumentException($"hist_access_type is '{other}'; 'tail', 'range' and 'search' are known."),
        };
        return new JsonObject
        {
            ["status"] = "ok",
            ["history"] = new JsonArray([.. found.Select(entry => entry.ToJson(withOutput))]),
        };
    }

    // Session 0 is the current one, negative ones are earlier: there are none. Stop is exclusive, none means to the end.
    private IEnumerable<Entry> Range(JsonObject request)
    {
        int session = (int?)request["session"] ?? 0;
        int start = (int?)request["start"] ?? 0, stop = (int?)request["stop"] ?? int.MaxValue;
        return session is 0 or Session ? _entries.Where(entry => entry.Line >= start && entry.Line < stop) : [];
    }

    // The pattern is a glob: * and ? stand for any characters, everything else for itself.
    private IEnumerable<Entry> Search(JsonObject request)
    {
        string pattern = (string?)request["pattern"] ?? "*";
        IEnumerable<Entry> found = _entries.Where(entry => FileSystemName.MatchesSimpleExpression(pattern, entry.Input, ignoreCase: false));
        if ((bool?)request["unique"] ?? false)
        {
            // Of equal inputs the latest stays.
            found = found.GroupBy(entry => entry.Input).Select(group => group.Last()).OrderBy(entry => entry.Line);
        }

        return found.TakeLast((int?)request["n"] ?? int.MaxValue);
    }

    private sealed record Entry(int Line, string Input, string? Output)
    {
        public JsonArray ToJson(bool withOutput) =>
            new JsonArray(Session, Line, withOutput ? new JsonArray(Input, Output) : JsonValue.Create(Input));
    }
}
