using System.Runtime.CompilerServices;
using Taiyi.Files;

namespace Taiyi.Display.Formatting;

/// <summary>What happens when a cell first uses this library.</summary>
internal static class FirstUse
{
    /// <summary>Chart libraries are made loadable before any of their types is named; then the formatters are registered, and Stop reaches the library.</summary>
#pragma warning disable CA2255 // A cell that only makes a Plotly.NET chart calls nothing here that could register it.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Begin()
    {
        ChartLibraries.Prepare();
        InteractiveFormatters.RegisterWhereFound();
        Interruption.Host = () => HostDisplay.CancellationToken;
    }
}
