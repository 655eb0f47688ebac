namespace Taiyi.Kernel.Engine;

/// <summary>One package of a restore with its files for this framework and platform; absolute paths.</summary>
/// <param name="Name">The package's name as its author writes it.</param>
/// <param name="Version">The version that was resolved.</param>
/// <param name="Folder">Where the package is unpacked.</param>
/// <param name="CompileFiles">Assemblies to compile against.</param>
/// <param name="RuntimeFiles">Assemblies to load.</param>
/// <param name="NativeFiles">Native libraries of this platform.</param>
internal sealed record ResolvedPackage(
    string Name,
    string Version,
    string Folder,
    IReadOnlyList<string> CompileFiles,
    IReadOnlyList<string> RuntimeFiles,
    IReadOnlyList<string> NativeFiles);

/// <summary>The answer of a restore.</summary>
/// <param name="Named">The packages that the cell names itself.</param>
/// <param name="All">All packages of the notebook, with those that they depend on.</param>
internal sealed record ResolvedPackages(IReadOnlyList<ResolvedPackage> Named, IReadOnlyList<ResolvedPackage> All)
{
    /// <summary>The answer for a cell that names none.</summary>
    public static ResolvedPackages None { get; } = new([], []);
}
