using System.Text.RegularExpressions;

namespace Taiyi.Kernel.Engine;

/// <summary>The packages and package sources that a notebook has named so far; restored together, so that they agree on versions.</summary>
/// <param name="workingDirectory">The folder that relative sources mean and whose NuGet.config applies.</param>
internal sealed partial class PackageSet(string workingDirectory)
{
    private readonly SortedDictionary<string, string> _versions = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _sources = [];

    /// <summary>Adds a feed: a URL, or a folder relative to the notebook's.</summary>
    public void AddSource(string source)
    {
        string absolute = Uri.TryCreate(source, UriKind.Absolute, out _) ? source : Path.GetFullPath(source, workingDirectory);
        if (!_sources.Contains(absolute))
        {
            _sources.Add(absolute);
        }
    }

    /// <summary>Adds packages written as "Name" or "Name, Version" and restores all that the notebook has.</summary>
    /// <returns>All packages of the notebook with those that they depend on.</returns>
    /// <exception cref="CellException">A name is malformed or the restore failed; the set is then as before.</exception>
    public IReadOnlyList<ResolvedPackage> Add(IReadOnlyList<string> references, CancellationToken cancellationToken)
    {
        SortedDictionary<string, string> wanted = new(_versions, StringComparer.OrdinalIgnoreCase);
        foreach (string reference in references)
        {
            (string name, string version) = Parse(reference);
            // A later cell may repeat a package without its version, as authors do.
            wanted[name] = version.Length > 0 ? version : wanted.GetValueOrDefault(name, "*");
        }

        IReadOnlyList<ResolvedPackage> resolved = PackageRestore.Run(wanted, _sources, workingDirectory, cancellationToken);
        foreach ((string name, string version) in wanted)
        {
            _versions[name] = version;
        }

        return resolved;
    }

    /// <summary>True for a package that one of the references names itself.</summary>
    public static bool IsNamed(string name, IReadOnlyList<string> references) =>
        references.Any(reference => Parse(reference).Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static (string Name, string Version) Parse(string reference)
    {
        Match match = PackageReference().Match(reference);
        return match.Success
            ? (match.Groups["name"].Value, match.Groups["version"].Value.Trim())
            : throw new CellException($"#r \"nuget: {reference}\": write #r \"nuget: Name, Version\" or #r \"nuget: Name\".");
    }

    [GeneratedRegex(@"^(?<name>[A-Za-z0-9_.-]+)\s*(,\s*(?<version>[0-9A-Za-z.*+\-\[\](),\s]+))?$")]
    private static partial Regex PackageReference();
}
