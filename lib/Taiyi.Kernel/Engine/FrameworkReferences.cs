using System.Collections.Concurrent;
using System.Reflection;
using Microsoft.CodeAnalysis;

namespace Taiyi.Kernel.Engine;

/// <summary>The assemblies that this process runs on, as references for cells: the framework, and the host's own by name.</summary>
internal static class FrameworkReferences
{
    private static readonly ConcurrentDictionary<string, PortableExecutableReference> Cache = new();

    /// <summary>Every assembly that the runtime resolves by itself: simple name to path.</summary>
    public static IReadOnlyDictionary<string, string> Trusted { get; } =
        ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .GroupBy(path => Path.GetFileNameWithoutExtension(path), StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => group.First(), StringComparer.OrdinalIgnoreCase);

    /// <summary>What a cell sees without any <c>#r</c>: the framework, the formatters and the functions of the kernel.</summary>
    public static IReadOnlyList<PortableExecutableReference> Default { get; } = [.. DefaultPaths().Select(Reference)];

    /// <summary>One shared reference for each file, with the XML documentation beside it.</summary>
    public static PortableExecutableReference Reference(string path) => Cache.GetOrAdd(path, file =>
        MetadataReference.CreateFromFile(file, documentation: XmlDocumentationProvider.CreateFromFile(Path.ChangeExtension(file, ".xml"))));

    /// <summary>
    /// The file that the process itself would load for an assembly, if it has one that is not older than the wanted version:
    /// loading a second copy would make its types different from the host's.
    /// </summary>
    public static string? HostFile(AssemblyName wanted) =>
        wanted.Name is { } name && Trusted.TryGetValue(name, out string? path) && (wanted.Version is not { } version || AssemblyName.GetAssemblyName(path).Version >= version)
            ? path
            : null;

    private static IEnumerable<string> DefaultPaths()
    {
        string framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string[] own =
        [
            "Microsoft.AspNetCore.Html.Abstractions",
            "Microsoft.CSharp",
            "Microsoft.DotNet.Interactive.Formatting",
            typeof(FrameworkReferences).Assembly.GetName().Name!,
        ];
        return Trusted
            .Where(assembly => Path.GetDirectoryName(assembly.Value) == framework || own.Contains(assembly.Key))
            .Select(assembly => assembly.Value);
    }
}
