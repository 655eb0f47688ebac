namespace Taiyi.Kernel.Engine;

/// <summary>How a cell ended.</summary>
public enum CellStatus
{
    /// <summary>It ran to its end.</summary>
    Succeeded,

    /// <summary>It did not compile, threw, or asked for something that is refused.</summary>
    Failed,

    /// <summary>It was interrupted, whether it stopped by itself or had to be abandoned.</summary>
    Cancelled,
}

/// <summary>The end of one execution; everything shown has been delivered before it.</summary>
/// <param name="Status">How the cell ended.</param>
/// <param name="ExecutionCount">The number of the execution, the N of "Cell N" in tracebacks.</param>
/// <param name="Error">The error that was delivered; null when the cell succeeded.</param>
/// <param name="Elapsed">Wall time, compilation and package restore included.</param>
public sealed record CellResult(CellStatus Status, int ExecutionCount, ErrorOutput? Error, TimeSpan Elapsed);
