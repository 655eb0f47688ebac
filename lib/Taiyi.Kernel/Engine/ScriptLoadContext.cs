using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Loader;

namespace Taiyi.Kernel.Engine;

/// <summary>
/// Loads the cells of one notebook and what they refer to. An assembly that the host has already is the host's, so that its
/// types are the same on both sides; all others come from the folder of the referenced file or from a package.
/// </summary>
internal sealed class ScriptLoadContext() : AssemblyLoadContext("notebook")
{
    // Any thread of an earlier cell may load something while the next cell adds references.
    private readonly ConcurrentDictionary<string, Assembly> _cells = new();
    private readonly ConcurrentQueue<AssemblyDependencyResolver> _components = [];
    private readonly ConcurrentDictionary<string, string> _files = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, string> _nativeFiles = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Loads a compiled cell with its debug symbols.</summary>
    public Assembly LoadCell(Stream assembly, Stream symbols)
    {
        Assembly cell = LoadFromStream(assembly, symbols);
        _cells[cell.GetName().Name!] = cell;
        return cell;
    }

    /// <summary>True for an assembly compiled from a cell of this notebook.</summary>
    public bool IsCell(Assembly assembly) => _cells.TryGetValue(assembly.GetName().Name!, out Assembly? cell) && cell == assembly;

    /// <summary>Looks for dependencies of a referenced file in its own folder and its deps.json.</summary>
    public void AddComponent(string path)
    {
        _components.Enqueue(new AssemblyDependencyResolver(path));
        _files.TryAdd(Path.GetFileNameWithoutExtension(path), path);
    }

    /// <summary>Looks for managed and native files of a package.</summary>
    public void AddPackage(ResolvedPackage package)
    {
        foreach (string file in package.RuntimeFiles)
        {
            _files.TryAdd(Path.GetFileNameWithoutExtension(file), file);
        }

        foreach (string file in package.NativeFiles)
        {
            _nativeFiles.TryAdd(Path.GetFileName(file), file);
        }
    }

    /// <summary>The file of an assembly that the host does not have, or null.</summary>
    public string? FindFile(AssemblyName name) =>
        _files.TryGetValue(name.Name!, out string? file)
            ? file
            : _components.Select(component => component.ResolveAssemblyToPath(name)).FirstOrDefault(path => path is not null);

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (_cells.TryGetValue(assemblyName.Name!, out Assembly? cell))
        {
            return cell;
        }

        return FrameworkReferences.HostFile(assemblyName) is null && FindFile(assemblyName) is { } path ? LoadFromAssemblyPath(path) : null;
    }

    /// <inheritdoc/>
    protected override IntPtr LoadUnmanagedDll(string unmanagedDllName)
    {
        string? path = NativeNames(unmanagedDllName).Select(name => _nativeFiles.GetValueOrDefault(name)).FirstOrDefault(file => file is not null)
            ?? _components.Select(component => component.ResolveUnmanagedDllToPath(unmanagedDllName)).FirstOrDefault(file => file is not null);
        return path is null ? IntPtr.Zero : LoadUnmanagedDllFromPath(path);
    }

    private static IEnumerable<string> NativeNames(string name)
    {
        string extension = OperatingSystem.IsWindows() ? ".dll" : OperatingSystem.IsMacOS() ? ".dylib" : ".so";
        return [name, name + extension, "lib" + name, "lib" + name + extension];
    }
}
