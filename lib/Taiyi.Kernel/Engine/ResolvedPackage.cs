namespace Taiyi.Kernel.Engine;

/// <summary>One package of a restore with its files for this framework and platform; absolute paths.</summary>
/// <param name="Name">The package's name as its author writes it.</param>
/// <param name="Version">The version that was resolved.</param>
/// <param name="CompileFiles">Assemblies to compile against.</param>
/// <param name="RuntimeFiles">Assemblies to load.</param>
/// <param name="NativeFiles">Native libraries of this platform.</param>
internal sealed record ResolvedPackage(
    string Name,
    string Version,
    IReadOnlyList<string> CompileFiles,
    IReadOnlyList<string> RuntimeFiles,
    IReadOnlyList<string> NativeFiles);
