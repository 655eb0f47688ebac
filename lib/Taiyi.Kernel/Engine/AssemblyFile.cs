using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Taiyi.Kernel.Engine;

/// <summary>What the file of an assembly says about itself, read without loading it.</summary>
/// <param name="IsFacade">True when it has no public type of its own and only forwards to other assemblies.</param>
/// <param name="References">The assemblies that it needs.</param>
internal sealed record AssemblyFile(bool IsFacade, IReadOnlyList<AssemblyName> References)
{
    /// <summary>Reads a file; null when it is no .NET assembly.</summary>
    public static AssemblyFile? Read(string path)
    {
        using PEReader file = new(File.OpenRead(path));
        if (!file.HasMetadata)
        {
            return null;
        }

        MetadataReader metadata = file.GetMetadataReader();
        bool hasPublicType = metadata.TypeDefinitions.Any(type =>
            (metadata.GetTypeDefinition(type).Attributes & TypeAttributes.VisibilityMask) == TypeAttributes.Public);
        return new AssemblyFile(!hasPublicType, [.. metadata.AssemblyReferences.Select(reference => metadata.GetAssemblyReference(reference).GetAssemblyName())]);
    }
}
