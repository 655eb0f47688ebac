namespace Taiyi.Kernel.Engine;

/// <summary>What the program around an engine wants done at its turns: the engine itself knows no library that cells use.</summary>
public sealed record EngineHost
{
    /// <summary>A host that wants nothing done.</summary>
    public static EngineHost None { get; } = new();

    /// <summary>Called when a session is opened, before its first cell: the place to prepare native libraries or a new page.</summary>
    public Action? SessionBegins { get; init; }

    /// <summary>
    /// Called in the flow of every cell before its code, with the token that an interrupt cancels; what it returns is disposed
    /// when the cell has ended.
    /// </summary>
    public Func<CancellationToken, IDisposable>? CellBegins { get; init; }
}
