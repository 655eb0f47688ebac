using System.CommandLine;
using Taiyi.Workshop.Pretraining;

namespace Taiyi.Cli;

/// <summary>The options that say which drawings of the art archive are taken: <c>--sets</c>, <c>--groups</c> and <c>--subjects</c>.</summary>
internal sealed class ArtSelection
{
    private readonly Option<string[]> _sets = new("--sets") { Description = "Sets of the art archive: fluent noto twemoji; all if absent", HelpName = "SET", AllowMultipleArgumentsPerToken = true };

    private readonly Option<string[]> _groups = new("--groups")
    {
        Description = "Groups of the art archive: smileys animals-nature food-drink travel-places activities objects; all if absent",
        HelpName = "GROUP",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _subjects = new("--subjects")
    {
        Description = "A file with a label a line, such as data/art/everyday.txt; all subjects of the archive if absent",
        HelpName = "FILE",
    };

    public IReadOnlyList<Option> Options => [_sets, _groups, _subjects];

    /// <summary>The data with only those drawings.</summary>
    public PretrainingData Select(ParseResult parsed, PretrainingData data) => data with
    {
        Sets = parsed.GetValue(_sets) ?? [],
        Groups = parsed.GetValue(_groups) ?? [],
        Labels = parsed.GetValue(_subjects) is { } path ? PretrainingData.ReadLabels(path) : [],
    };
}
