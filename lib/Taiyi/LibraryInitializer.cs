using System.Runtime.CompilerServices;
using Taiyi.Cpu;

namespace Taiyi;

internal static class LibraryInitializer
{
    /// <summary>Lets the native parts of TorchSharp be found, whatever of this library is used first.</summary>
#pragma warning disable CA2255 // A library may have a module initializer when its native parts cannot load without it.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Initialize() => NativeLibraryResolver.Register();
}
