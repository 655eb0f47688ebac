using System.Reflection;
using System.Runtime.Loader;

namespace Taiyi.Display.Formatting;

/// <summary>
/// Lets Plotly.NET run in a host that brings an older FSharp.Core than it was built with, as the tool dotnet-interactive does
/// (10.0 for 10.1): its libraries are loaded together, with their own FSharp.Core, into a context beside the host's.
/// </summary>
/// <remarks>
/// A script host asks the default context first for whatever a cell refers to, so the answer is given there. It must be in place
/// before the first chart library is loaded: it is set up when anything of this library first runs.
/// </remarks>
internal static class ChartLibraries
{
    private const string Core = "FSharp.Core";

    private static readonly string[] Names = [Core, "Plotly.NET", "Plotly.NET.CSharp", "Giraffe.ViewEngine", "DynamicObj", "Fable.Core"];

    /// <summary>Prepares the context if this host needs it.</summary>
    public static void Prepare()
    {
        if (FileOf(Core, new Version(0, 0)) is { } own && HostVersion() is { } host && host < AssemblyName.GetAssemblyName(own).Version)
        {
            Beside beside = new();
            AssemblyLoadContext.Default.Resolving += (_, wanted) => Names.Contains(wanted.Name) ? beside.LoadFromAssemblyName(wanted) : null;
        }
    }

    // What the runtime itself would take; null in a host without F#.
    private static Version? HostVersion() =>
        ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "")
            .Split(Path.PathSeparator)
            .Where(path => Path.GetFileNameWithoutExtension(path) == Core)
            .Select(path => AssemblyName.GetAssemblyName(path).Version)
            .FirstOrDefault();

    /// <summary>The file of one of the libraries: beside this one, or in the package folder that this one lies in.</summary>
    private static string? FileOf(string name, Version least)
    {
        string folder = Path.GetDirectoryName(typeof(ChartLibraries).Assembly.Location)!;
        string beside = Path.Combine(folder, name + ".dll");
        if (File.Exists(beside))
        {
            return beside;
        }

        // packages/taiyi.display/VERSION/lib/FRAMEWORK
        string packages = Path.GetFullPath(Path.Combine(folder, "..", "..", "..", ".."));
        string package = Path.Combine(packages, name.ToLowerInvariant());
        return !Directory.Exists(package) ? null : Directory.GetFiles(package, name + ".dll", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(file))) == "lib")
            .Where(file => AssemblyName.GetAssemblyName(file).Version >= least)
            .OrderBy(file => AssemblyName.GetAssemblyName(file).Version)
            .ThenByDescending(file => file, StringComparer.Ordinal) // netstandard2.1 before netstandard2.0
            .FirstOrDefault();
    }

    private sealed class Beside() : AssemblyLoadContext("Plotly.NET")
    {
        protected override Assembly? Load(AssemblyName assemblyName) =>
            Names.Contains(assemblyName.Name) && FileOf(assemblyName.Name!, assemblyName.Version ?? new Version(0, 0)) is { } file ? LoadFromAssemblyPath(file) : null;
    }
}
