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
        Version? wantedCore = typeof(ChartLibraries).Assembly.GetReferencedAssemblies().FirstOrDefault(reference => reference.Name == Core)?.Version;
        if (HostVersion() is { } host && host < wantedCore)
        {
            Beside beside = new();
            AnswerFirst((_, wanted) => Names.Contains(wanted.Name) ? beside.LoadFromAssemblyName(wanted) : null);
        }
    }

    // The package manager of the tool has been listening since it began, and would load the libraries of a package beside the
    // host's FSharp.Core. The runtime has no public way to be asked before it; without its field the answer comes after it.
    private static void AnswerFirst(Func<AssemblyLoadContext, AssemblyName, Assembly?> answer)
    {
        FieldInfo? listeners = typeof(AssemblyLoadContext).GetField("_resolving", BindingFlags.Instance | BindingFlags.NonPublic);
        if (listeners?.GetValue(AssemblyLoadContext.Default) is Delegate earlier)
        {
            listeners.SetValue(AssemblyLoadContext.Default, Delegate.Combine(answer, earlier));
        }
        else
        {
            AssemblyLoadContext.Default.Resolving += answer;
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
        return Directory.GetDirectories(packages, name.ToLowerInvariant() + "*") // Giraffe.ViewEngine is in the package Giraffe.ViewEngine.StrongName
            .SelectMany(package => Directory.GetFiles(package, name + ".dll", SearchOption.AllDirectories))
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
