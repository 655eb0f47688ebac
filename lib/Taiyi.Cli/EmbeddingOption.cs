using System.CommandLine;

namespace Taiyi.Cli;

/// <summary>The option <c>--embedding</c>: words taught by textual inversion.</summary>
internal sealed class EmbeddingOption
{
    private readonly Option<string[]> _files = new("--embedding")
    {
        Description = "A word taught by textual inversion (diffusers' learned_embeds, a web UI's .pt or .safetensors), and another word for it if need be; may be given several times",
        HelpName = "FILE[:WORD]",
        DefaultValueFactory = _ => [],
    };

    public void AddTo(Command command) => command.Add(_files);

    /// <summary>What the command line names, each with the full path of its file.</summary>
    public IReadOnlyList<string> References(ParseResult parsed) =>
        [.. parsed.GetValue(_files)!.Select(Split).Select(reference => Path.GetFullPath(reference.File) + (reference.Word is null ? "" : ":" + reference.Word))];

    /// <summary>Teaches the model words.</summary>
    public static void Load(IEnumerable<string> references, StableDiffusionPipeline pipeline)
    {
        foreach (string reference in references)
        {
            (string file, string? word) = Split(reference);
            pipeline.LoadTextualInversion(file, word);
        }
    }

    // A path may hold colons itself: the whole text is the file if there is one of that name.
    internal static (string File, string? Word) Split(string reference)
    {
        int colon = reference.LastIndexOf(':');
        return colon > 0 && !Path.Exists(reference) && Path.Exists(reference[..colon]) ? (reference[..colon], reference[(colon + 1)..]) : (reference, null);
    }
}
