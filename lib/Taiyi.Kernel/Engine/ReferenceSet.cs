using System.Collections.Immutable;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Taiyi.Files;

namespace Taiyi.Kernel.Engine;

/// <summary>The references of one notebook: what <c>#r</c> has named so far, and where the runtime finds it again.</summary>
/// <param name="workingDirectory">The folder that relative paths mean.</param>
internal sealed class ReferenceSet(string workingDirectory) : MetadataReferenceResolver
{
    private const string PackagePrefix = "nuget:";

    private readonly Dictionary<string, PortableExecutableReference> _added = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, PortableExecutableReference> _implied = new(StringComparer.OrdinalIgnoreCase);
    private readonly PackageSet _packages = new(workingDirectory);

    /// <summary>The context that the cells and their references are loaded into.</summary>
    public ScriptLoadContext LoadContext { get; } = new();

    /// <summary>All references for the compiler; the same objects from call to call.</summary>
    public IReadOnlyList<MetadataReference> Current => [.. FrameworkReferences.Default, .. Added];

    /// <summary>The references that <c>#r</c> added, with their documentation, and what they need in turn.</summary>
    public IEnumerable<MetadataReference> Added => [.. _added.Values, .. _implied.Values];

    /// <summary>Resolves the references of a cell in their order.</summary>
    /// <param name="part">The cell's code with what it refers to.</param>
    /// <param name="cancellationToken">Ends a package restore.</param>
    /// <returns>The packages that this cell brought in, for the reader.</returns>
    /// <exception cref="CellException">A file or a package is not there.</exception>
    public IReadOnlyList<ResolvedPackage> Add(CodePart part, CancellationToken cancellationToken)
    {
        foreach (string source in part.PackageSources)
        {
            _packages.AddSource(WithoutPrefix(source) ?? throw new CellException($"#i \"{source}\": write #i \"nuget: URL or folder\"."));
        }

        foreach (string file in part.References.Where(reference => WithoutPrefix(reference) is null))
        {
            AddFile(file, workingDirectory);
        }

        List<string> packages = [.. part.References.Select(WithoutPrefix).OfType<string>()];
        return packages.Count == 0 ? [] : AddPackages(packages, cancellationToken);
    }

    /// <inheritdoc/>
    public override ImmutableArray<PortableExecutableReference> ResolveReference(string reference, string? baseFilePath, MetadataReferenceProperties properties)
    {
        // Only files named by #load come here: the references of a cell are resolved before it is compiled.
        if (WithoutPrefix(reference) is { } package)
        {
            return [.. AddPackages([package], Interruption.Token).SelectMany(resolved => resolved.CompileFiles).Select(FrameworkReferences.Reference)];
        }

        return [AddFile(reference, Path.GetDirectoryName(baseFilePath) is { Length: > 0 } folder ? folder : workingDirectory)];
    }

    /// <inheritdoc/>
    public override bool Equals(object? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    private static string? WithoutPrefix(string reference) =>
        reference.StartsWith(PackagePrefix, StringComparison.OrdinalIgnoreCase) ? reference[PackagePrefix.Length..].Trim() : null;

    private PortableExecutableReference AddFile(string reference, string baseFolder)
    {
        string path = Path.GetFullPath(reference, baseFolder);
        if (!File.Exists(path))
        {
            string name = Path.GetExtension(reference).ToLowerInvariant() is ".dll" or ".exe" ? Path.GetFileNameWithoutExtension(reference) : reference;
            path = Path.GetFileName(reference) == reference && FrameworkReferences.Trusted.TryGetValue(name, out string? known)
                ? known
                : throw new CellException($"#r \"{reference}\": no file '{path}'. A relative path starts at the notebook's folder; build the project first if the file is its output.");
        }

        AssemblyName identity;
        try
        {
            identity = AssemblyName.GetAssemblyName(path);
        }
        catch (BadImageFormatException)
        {
            throw new CellException($"#r \"{reference}\": '{path}' is not a .NET assembly.");
        }

        LoadContext.AddComponent(path);
        return AddReference(identity, path);
    }

    private List<ResolvedPackage> AddPackages(IReadOnlyList<string> references, CancellationToken cancellationToken)
    {
        IReadOnlyList<ResolvedPackage> all = _packages.Add(references, cancellationToken);
        foreach (ResolvedPackage package in all)
        {
            foreach (string file in package.CompileFiles)
            {
                AddReference(AssemblyName.GetAssemblyName(file), file);
            }

            LoadContext.AddPackage(package);
        }

        return [.. all.Where(package => PackageSet.IsNamed(package.Name, references))];
    }

    private PortableExecutableReference AddReference(AssemblyName identity, string path)
    {
        PortableExecutableReference reference = FrameworkReferences.Reference(FrameworkReferences.HostFile(identity) ?? path);
        if (!FrameworkReferences.Default.Contains(reference))
        {
            _added[identity.Name!] = reference;
            _implied.Remove(identity.Name!);
            AddImplied(reference);
        }

        return reference;
    }

    // What a library needs must be known to the compiler, but a cell may name its types only after a #r of its own: so it is
    // in .NET Interactive, and a notebook that runs here should run there.
    private void AddImplied(PortableExecutableReference reference)
    {
        foreach (AssemblyName needed in AssemblyFile.Read(reference.FilePath!)?.References ?? [])
        {
            if (_added.ContainsKey(needed.Name!) || _implied.ContainsKey(needed.Name!) || (FrameworkReferences.HostFile(needed) ?? LoadContext.FindFile(needed)) is not { } file)
            {
                continue;
            }

            PortableExecutableReference found = FrameworkReferences.Reference(file);
            if (!FrameworkReferences.Default.Contains(found))
            {
                _implied[needed.Name!] = FrameworkReferences.Implied(file);
                AddImplied(found);
            }
        }
    }
}
