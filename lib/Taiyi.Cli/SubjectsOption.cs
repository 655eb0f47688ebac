using System.CommandLine;

namespace Taiyi.Cli;

/// <summary><c>--subjects FILE</c>: which subjects of the art archive are taken, a label a line.</summary>
internal sealed class SubjectsOption : Option<string?>
{
    public SubjectsOption()
        : base("--subjects")
    {
        Description = "A file with a label a line, such as data/art/everyday.txt; all subjects of the archive if absent";
        HelpName = "FILE";
    }

    /// <summary>The labels of the file; none if there is no file.</summary>
    public IReadOnlyList<string> Labels(ParseResult parsed) => parsed.GetValue(this) is { } path
        ? [.. File.ReadLines(path).Select(line => line.Trim()).Where(line => line.Length > 0)]
        : [];
}
