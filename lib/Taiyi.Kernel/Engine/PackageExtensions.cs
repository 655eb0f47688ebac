using System.Reflection;
using System.Text.RegularExpressions;

namespace Taiyi.Kernel.Engine;

/// <summary>
/// What a package brings for notebooks in its folder <c>interactive-extensions/dotnet</c>, as .NET Interactive reads it: a script
/// <c>extension.dib</c>, and assemblies with classes that set up formatters.
/// </summary>
/// <param name="loadContext">Where the package's assemblies are loaded.</param>
internal sealed partial class PackageExtensions(ScriptLoadContext loadContext)
{
    private const string ExtensionInterface = "Microsoft.DotNet.Interactive.IKernelExtension";

    private readonly HashSet<string> _loaded = [];

    /// <summary>Loads the extensions of a package, once; gives the scripts that are still to be run.</summary>
    public async Task<IReadOnlyList<string>> LoadAsync(ResolvedPackage package, CellContext context)
    {
        string folder = Path.Combine(package.Folder, "interactive-extensions", "dotnet");
        if (!Directory.Exists(folder) || !_loaded.Add(folder))
        {
            return [];
        }

        foreach (string file in Directory.GetFiles(folder, "*.dll").Order(StringComparer.Ordinal))
        {
            await LoadAssemblyAsync(file, package, context);
        }

        string script = Path.Combine(folder, "extension.dib");
        return File.Exists(script) ? [MetaHeader().Replace(await File.ReadAllTextAsync(script, context.Token), "")] : [];
    }

    // Most extensions register formatters and need no kernel; one that asks for it finds none here and is left out with a word.
    private async Task LoadAssemblyAsync(string file, ResolvedPackage package, CellContext context)
    {
        try
        {
            AssemblyName name = AssemblyName.GetAssemblyName(file);
            Assembly assembly = loadContext.FindFile(name) is null ? loadContext.LoadFromAssemblyPath(file) : loadContext.LoadFromAssemblyName(name);
            foreach (Type type in assembly.GetExportedTypes().Where(type => !type.IsAbstract))
            {
                if (type.GetInterface(ExtensionInterface)?.GetMethod("OnLoadAsync") is { } onLoad
                    && onLoad.Invoke(Activator.CreateInstance(type), [null]) is Task loading)
                {
                    await loading;
                }
            }
        }
        catch (Exception fault)
        {
            Exception cause = fault is TargetInvocationException { InnerException: { } inner } ? inner : fault;
            context.Output.Write(
                "stderr", $"{package.Name} brings an extension of .NET Interactive that does not work in this kernel and was left out ({cause.GetType().Name}: {cause.Message}){Environment.NewLine}");
        }
    }

    // Polyglot Notebooks begins a .dib file with what it knows of the kernels.
    [GeneratedRegex(@"\A\s*#!meta\s*(\{.*?\}\s*)?(?=^#!|\z)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex MetaHeader();
}
