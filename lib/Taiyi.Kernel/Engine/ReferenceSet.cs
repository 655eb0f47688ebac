using System.Reflection;

namespace Taiyi.Kernel.Engine;

/// <summary>The references of one notebook: what <c>#r</c> has named so far, and where the runtime finds it again.</summary>
/// <param name="workingDirectory">The folder that relative paths mean.</param>
internal sealed class ReferenceSet(string workingDirectory)
{
    private const string PackagePrefix = "nuget:";

    // The package that .NET Interactive's own functions are in: for a cell they are those of this kernel, which have the same names.
    private const string ReplacedByThisKernel = "Microsoft.DotNet.Interactive";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, string> _added = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _implied = new(StringComparer.OrdinalIgnoreCase);
    private readonly PackageSet _packages = new(workingDirectory);

    /// <summary>The context that the cells and their references are loaded into.</summary>
    public ScriptLoadContext LoadContext { get; } = new();

    /// <summary>The files that <c>#r</c> added, beyond those of <see cref="FrameworkReferences"/>.</summary>
    public IReadOnlyList<string> Added => Copy(_added);

    /// <summary>The files that those need in turn: the compiler must know their types, a cell may not name them.</summary>
    public IReadOnlyList<string> Implied => Copy(_implied);

    /// <summary>Resolves the references of a cell in their order.</summary>
    /// <param name="part">The cell's code with what it refers to.</param>
    /// <param name="cancellationToken">Ends a package restore.</param>
    /// <returns>The packages that this cell brought in, with those that they need.</returns>
    /// <exception cref="CellException">A file or a package is not there.</exception>
    public ResolvedPackages Add(CodePart part, CancellationToken cancellationToken)
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
        return packages.Count == 0 ? ResolvedPackages.None : AddPackages(packages, cancellationToken);
    }

    /// <summary>Resolves a <c>#r</c> in a file of <c>#load</c>; those of a cell are resolved before it is compiled.</summary>
    public IReadOnlyList<string> ResolveInLoadedFile(string reference, string? loadedFile)
    {
        if (WithoutPrefix(reference) is { } package)
        {
            return [.. AddPackages([package], CellContext.Current?.Token ?? default).Named.SelectMany(resolved => resolved.CompileFiles)];
        }

        return [AddFile(reference, Path.GetDirectoryName(loadedFile) is { Length: > 0 } folder ? folder : workingDirectory)];
    }

    private static string? WithoutPrefix(string reference) =>
        reference.StartsWith(PackagePrefix, StringComparison.OrdinalIgnoreCase) ? reference[PackagePrefix.Length..].Trim() : null;

    private string AddFile(string reference, string baseFolder)
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

    private ResolvedPackages AddPackages(IReadOnlyList<string> references, CancellationToken cancellationToken)
    {
        IReadOnlyList<ResolvedPackage> all = _packages.Add(references, cancellationToken);
        foreach (ResolvedPackage package in all)
        {
            // First all files, so that what one needs is found in another.
            LoadContext.AddPackage(package);
        }

        foreach (string file in all.SelectMany(package => package.CompileFiles))
        {
            AddReference(AssemblyName.GetAssemblyName(file), file);
        }

        return new ResolvedPackages([.. all.Where(package => PackageSet.IsNamed(package.Name, references))], all);
    }

    private string AddReference(AssemblyName identity, string path)
    {
        string file = FrameworkReferences.HostFile(identity) ?? path;
        if (FrameworkReferences.Default.Contains(file))
        {
            return file;
        }

        lock (_gate)
        {
            if (identity.Name == ReplacedByThisKernel)
            {
                _implied[identity.Name] = file;
            }
            else
            {
                _added[identity.Name!] = file;
                _implied.Remove(identity.Name!);
            }

            AddImplied(file);
        }

        return file;
    }

    // What a library needs must be known to the compiler, but a cell may name its types only after a #r of its own: so it is
    // in .NET Interactive, and a notebook that runs here should run there.
    private void AddImplied(string path)
    {
        foreach (AssemblyName needed in AssemblyFile.Read(path)?.References ?? [])
        {
            if (_added.ContainsKey(needed.Name!) || _implied.ContainsKey(needed.Name!) || (FrameworkReferences.HostFile(needed) ?? LoadContext.FindFile(needed)) is not { } file)
            {
                continue;
            }

            if (!FrameworkReferences.Default.Contains(file))
            {
                _implied[needed.Name!] = file;
                AddImplied(file);
            }
        }
    }

    private List<string> Copy(Dictionary<string, string> files)
    {
        lock (_gate)
        {
            return [.. files.Values];
        }
    }
}
