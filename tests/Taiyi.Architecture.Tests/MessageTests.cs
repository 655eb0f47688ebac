using System.Text.RegularExpressions;

namespace Taiyi.Architecture.Tests;

/// <summary>What a user reads of a fault speaks of his input, not of a parameter in the code.</summary>
public sealed partial class MessageTests
{
    [Fact]
    public void No_message_ends_with_the_name_of_a_parameter()
    {
        string[] sources = [.. Directory.EnumerateFiles(Repository.PathTo("lib"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))];
        Assert.True(sources.Length > 100);
        Assert.All(sources, path => Assert.Empty(NamedParameter().Matches(File.ReadAllText(path)).Select(match => match.Value)));
    }

    // .NET puts "(Parameter 'x')" behind the message of an argument's exception that is told the name, and "Actual value was 0." behind that.
    [GeneratedRegex("""Argument\w*Exception\(nameof\(|",\s*nameof\(\w+\)\)\s*[;,]|Argument\w*Exception\.ThrowIf""")]
    private static partial Regex NamedParameter();
}
