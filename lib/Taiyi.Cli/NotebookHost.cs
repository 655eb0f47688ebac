using Taiyi.Cpu;
using Taiyi.Files;
using Taiyi.Kernel.Engine;

namespace Taiyi.Cli;

/// <summary>What the script engine does for this library at its turns: it knows neither tensors nor charts.</summary>
internal static class NotebookHost
{
    /// <summary>Natives are found, every session's first chart brings its script, and an interrupt reaches long calls of the library.</summary>
    public static EngineHost Create() => new()
    {
        SessionBegins = () =>
        {
            NativeLibraryResolver.Register();
            Display.Notebook.NewPage();
        },
        CellBegins = Interruption.Use,
    };
}
