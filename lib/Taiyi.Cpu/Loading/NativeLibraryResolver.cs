using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace Taiyi.Cpu;

/// <summary>
/// Finds the native parts of TorchSharp and SkiaSharp where the runtime's own search fails: in a script host, which
/// reads no <c>deps.json</c>, and on Linux hosts whose libstdc++ is older than the one TorchSharp was built with.
/// </summary>
/// <remarks>
/// It registers itself when any member of this library first runs, and acts only after the ordinary search found
/// nothing, so a host that can load the package's files as they are is left alone.
/// </remarks>
public static class NativeLibraryResolver
{
    private static readonly string[] Users = ["TorchSharp", "SkiaSharp"];
    private static readonly string[] NativePackages = ["torchsharp", "libtorch-*", "skiasharp.nativeassets.*"];
    private static readonly HashSet<AssemblyLoadContext> Contexts = [];
    private static int _registered;

    /// <summary>Registers the resolver; a second call does nothing. Call it before the first use of TorchSharp.</summary>
#pragma warning disable CA2255 // A library may have a module initializer when its native parts cannot load without it.
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Register()
    {
        if (Interlocked.Exchange(ref _registered, 1) == 0)
        {
            Watch(AssemblyLoadContext.Default);
            AppDomain.CurrentDomain.AssemblyLoad += (_, loaded) => WatchContextOf(loaded.LoadedAssembly);
            foreach (Assembly assembly in AppDomain.CurrentDomain.GetAssemblies())
            {
                WatchContextOf(assembly);
            }
        }
    }

    // A native library is asked of the context that its user was loaded into, and .NET Interactive gives every assembly of a #r
    // a context of its own.
    private static void WatchContextOf(Assembly assembly)
    {
        if (Users.Contains(assembly.GetName().Name) && AssemblyLoadContext.GetLoadContext(assembly) is { } context)
        {
            Watch(context);
        }
    }

    private static void Watch(AssemblyLoadContext context)
    {
        lock (Contexts)
        {
            if (Contexts.Add(context))
            {
                context.ResolvingUnmanagedDll += Resolve;
            }
        }
    }

    private static nint Resolve(Assembly assembly, string name)
    {
        if (FindFile(assembly, name) is not { } file)
        {
            return 0;
        }

        if (name.Contains("LibTorchSharp", StringComparison.Ordinal))
        {
            PreloadLibtorch(assembly);
        }

        if (NativeLibrary.TryLoad(file, out nint handle))
        {
            return handle;
        }

        return OperatingSystem.IsLinux() && LibstdcxxCompatibility.PatchedCopy(file) is { } copy
            && NativeLibrary.TryLoad(copy, out handle) ? handle : 0;
    }

    /// <summary>
    /// LibTorchSharp asks for libtorch by bare name, and a patched copy does not stand beside it: once these are
    /// loaded, the dynamic linker takes them from memory.
    /// </summary>
    private static void PreloadLibtorch(Assembly assembly)
    {
        foreach (string library in (string[])["c10", "torch_cpu", "torch_cuda", "torch"])
        {
            if (FindFile(assembly, library) is { } file)
            {
                NativeLibrary.TryLoad(file, out _);
            }
        }
    }

    /// <summary>
    /// The file of a native library: in this library's output folder or that of the assembly that asks (a notebook may load it from
    /// another project's), flat or in <c>runtimes/RID/native</c>, or in the package folder.
    /// </summary>
    private static string? FindFile(Assembly assembly, string name)
    {
        string file = FileName(name);
        string output = Path.GetDirectoryName(typeof(NativeLibraryResolver).Assembly.Location)!;
        return new[] { output, Path.GetDirectoryName(assembly.Location) ?? "" }
            .Where(folder => folder.Length > 0)
            .SelectMany(folder => new[] { Path.Combine(folder, file), Path.Combine(folder, "runtimes", PortableRuntimeIdentifier, "native", file) })
            .FirstOrDefault(File.Exists) ?? FindInPackages(file, output);
    }

    // This library as a package lies in PACKAGES/taiyi/VERSION/lib/FRAMEWORK, and native parts in packages of other names beside it.
    // Of several versions the newest is taken.
    private static string? FindInPackages(string file, string output)
    {
        string packages = Path.GetFullPath(Path.Combine(output, "..", "..", "..", ".."));
        string native = Path.Combine("runtimes", PortableRuntimeIdentifier, "native", file);
        return Path.GetFileName(Path.GetDirectoryName(output)) != "lib" ? null : NativePackages
            .Select(pattern => new DirectoryInfo(packages).GetDirectories(pattern).SelectMany(package => package.GetDirectories()))
            .SelectMany(versions => versions.Select(version => Path.Combine(version.FullName, native)))
            .Where(File.Exists)
            .MaxBy(path => Version.TryParse(path[..^native.Length].TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar)[^1].Split('-')[0], out Version? version) ? version : new Version(0, 0));
    }

    private static string FileName(string name) =>
        name.EndsWith(".so", StringComparison.Ordinal) || name.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? name
        : OperatingSystem.IsWindows() ? name + ".dll"
        : (name.StartsWith("lib", StringComparison.Ordinal) ? name : "lib" + name) + (OperatingSystem.IsMacOS() ? ".dylib" : ".so");

    private static string PortableRuntimeIdentifier =>
        (OperatingSystem.IsWindows() ? "win-" : OperatingSystem.IsMacOS() ? "osx-" : "linux-")
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
}
