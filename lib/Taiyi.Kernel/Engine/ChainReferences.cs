using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection.PortableExecutable;
using Microsoft.CodeAnalysis;

namespace Taiyi.Kernel.Engine;

/// <summary>The compiler references of one chain of submissions: a notebook's cells, or the documents that completion asks.</summary>
/// <remarks>
/// Roslyn keeps the symbols that it has made of a file with the file's metadata object, and a later submission takes up what it
/// finds there. Were the object shared by two chains that are bound at the same time, both would leave symbols in it, the next
/// submission could take up those of the other chain, and its <c>List&lt;int&gt;</c> would not be that of the cell before. So
/// every chain has metadata objects of its own; the tables read from the file are shared under them.
/// </remarks>
/// <param name="notebook">The files that <c>#r</c> has named.</param>
/// <param name="framework">The files that every submission sees.</param>
internal sealed class ChainReferences(ReferenceSet notebook, IReadOnlyList<string> framework) : MetadataReferenceResolver
{
    // An alias that no cell uses: the compiler knows the types, a cell cannot name them.
    private static readonly ImmutableArray<string> NoName = ["<implicit>"];

    private static readonly ConcurrentDictionary<string, Lazy<AssemblyMetadata>> Files = new();

    private readonly Dictionary<string, PortableExecutableReference> _references = [];
    private readonly Dictionary<string, PortableExecutableReference> _implied = [];
    private readonly HashSet<PortableExecutableReference> _known = [];

    /// <summary>The references that no submission of the chain has yet: each inherits those of the one before.</summary>
    public IReadOnlyList<PortableExecutableReference> New() => [.. Current().Where(reference => !_known.Contains(reference))];

    /// <summary>Says that a submission with all present references is now part of the chain.</summary>
    public void MarkKnown() => _known.UnionWith(Current());

    /// <inheritdoc/>
    public override ImmutableArray<PortableExecutableReference> ResolveReference(string reference, string? baseFilePath, MetadataReferenceProperties properties) =>
        [.. notebook.ResolveInLoadedFile(reference, baseFilePath).Select(Named)];

    /// <inheritdoc/>
    public override bool Equals(object? other) => ReferenceEquals(this, other);

    /// <inheritdoc/>
    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    private IEnumerable<PortableExecutableReference> Current() => framework.Concat(notebook.Added).Select(Named).Concat(notebook.Implied.Select(Implied));

    private PortableExecutableReference Named(string path)
    {
        if (!_references.TryGetValue(path, out PortableExecutableReference? reference))
        {
            var own = (AssemblyMetadata)Files.GetOrAdd(path, file => new Lazy<AssemblyMetadata>(() => Read(file))).Value.Copy();
            reference = own.GetReference(XmlDocumentationProvider.CreateFromFile(Path.ChangeExtension(path, ".xml")), filePath: path);
            _references[path] = reference;
        }

        return reference;
    }

    private PortableExecutableReference Implied(string path)
    {
        if (!_implied.TryGetValue(path, out PortableExecutableReference? reference))
        {
            reference = (PortableExecutableReference)Named(path).WithAliases(NoName);
            _implied[path] = reference;
        }

        return reference;
    }

    // Read at once and closed: the author may build the library again while the notebook is open.
    private static AssemblyMetadata Read(string path) =>
        AssemblyMetadata.CreateFromStream(File.OpenRead(path), PEStreamOptions.PrefetchMetadata);
}
