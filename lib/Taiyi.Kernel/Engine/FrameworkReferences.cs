using System.Reflection;

namespace Taiyi.Kernel.Engine;

/// <summary>The assembly files that this process runs on, for the compiler of cells: the framework, and the host's own by name.</summary>
internal static class FrameworkReferences
{
    private static readonly Lazy<IReadOnlyList<string>> LazyDocumented = new(FindDocumented);

    // Initialised before Default, which needs it.
    private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    /// <summary>Every assembly that the runtime resolves by itself: simple name to path.</summary>
    public static IReadOnlyDictionary<string, string> Trusted { get; } =
        ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .GroupBy(path => Path.GetFileNameWithoutExtension(path), StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => group.First(), StringComparer.OrdinalIgnoreCase);

    /// <summary>What a cell sees without any <c>#r</c>: the framework, the formatters and the functions of the kernel.</summary>
    public static IReadOnlyList<string> Default { get; } = [.. DefaultPaths()];

    /// <summary>The same for completion and inspection: the framework's reference assemblies, which carry its documentation, where an SDK is installed.</summary>
    public static IReadOnlyList<string> Documented => LazyDocumented.Value;

    /// <summary>
    /// The file that the process itself would load for an assembly, if it has one that is not older than the wanted version:
    /// loading a second copy would make its types different from the host's.
    /// </summary>
    public static string? HostFile(AssemblyName wanted) =>
        wanted.Name is { } name && Trusted.TryGetValue(name, out string? path) && (wanted.Version is not { } version || AssemblyName.GetAssemblyName(path).Version >= version)
            ? path
            : null;

    // Half of the framework's files only forward to the other half. Every cell's compilation keeps tables as long as the list
    // of references, so a forwarding file is in it only where something needs it.
    private static IEnumerable<string> DefaultPaths()
    {
        string[] own =
        [
            Trusted["Microsoft.AspNetCore.Html.Abstractions"],
            Trusted["Microsoft.DotNet.Interactive.Formatting"],
            typeof(FrameworkReferences).Assembly.Location,
        ];
        IEnumerable<string> forwarding = own
            .SelectMany(path => AssemblyFile.Read(path)!.References)
            .Select(reference => Trusted.GetValueOrDefault(reference.Name!))
            .OfType<string>();
        return Trusted.Values.Where(IsFramework).Where(path => AssemblyFile.Read(path) is { IsFacade: false })
            .Concat(own)
            .Concat(forwarding.Where(IsFramework))
            .Distinct();
    }

    private static bool IsFramework(string path) => Path.GetDirectoryName(path) == Framework;

    private static IReadOnlyList<string> FindDocumented()
    {
        string packs = Path.GetFullPath(Path.Combine(Framework, "../../../packs/Microsoft.NETCore.App.Ref"));
        string? newest = !Directory.Exists(packs) ? null : Directory.GetDirectories(packs, $"{Environment.Version.Major}.*")
            .Select(folder => Path.Combine(folder, "ref", $"net{Environment.Version.Major}.0"))
            .Where(Directory.Exists)
            .Max(StringComparer.Ordinal);
        return newest is null ? Default : [.. Directory.GetFiles(newest, "*.dll"), .. Default.Where(path => !IsFramework(path))];
    }
}
