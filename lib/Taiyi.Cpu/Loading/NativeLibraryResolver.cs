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
    private static int _registered;

    /// <summary>Registers the resolver; a second call does nothing. Call it before the first use of TorchSharp.</summary>
#pragma warning disable CA2255 // A library may have a module initializer when its native parts cannot load without it.
    [ModuleInitializer]
#pragma warning restore CA2255
    public static void Register()
    {
        if (Interlocked.Exchange(ref _registered, 1) == 0)
        {
            AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
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
            PreloadLibtorch(Path.GetDirectoryName(file)!);
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
    private static void PreloadLibtorch(string directory)
    {
        foreach (string library in (string[])["torch_cpu", "torch_cuda", "torch"])
        {
            NativeLibrary.TryLoad(Path.Combine(directory, FileName(library)), out _);
        }
    }

    /// <summary>
    /// The file of a native library in this library's output folder or in that of the assembly that asks (a notebook may load it from
    /// another project's): flat, or in <c>runtimes/RID/native</c>.
    /// </summary>
    private static string? FindFile(Assembly assembly, string name)
    {
        string file = FileName(name);
        return new[] { typeof(NativeLibraryResolver).Assembly.Location, assembly.Location }
            .Where(location => location.Length > 0)
            .Select(location => Path.GetDirectoryName(location)!)
            .SelectMany(output => new[] { Path.Combine(output, file), Path.Combine(output, "runtimes", PortableRuntimeIdentifier, "native", file) })
            .FirstOrDefault(File.Exists);
    }

    private static string FileName(string name) =>
        name.EndsWith(".so", StringComparison.Ordinal) || name.EndsWith(".dll", StringComparison.OrdinalIgnoreCase) ? name
        : OperatingSystem.IsWindows() ? name + ".dll"
        : (name.StartsWith("lib", StringComparison.Ordinal) ? name : "lib" + name) + (OperatingSystem.IsMacOS() ? ".dylib" : ".so");

    private static string PortableRuntimeIdentifier =>
        (OperatingSystem.IsWindows() ? "win-" : OperatingSystem.IsMacOS() ? "osx-" : "linux-")
        + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
}
