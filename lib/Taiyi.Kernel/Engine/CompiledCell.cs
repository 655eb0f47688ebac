namespace Taiyi.Kernel.Engine;

/// <summary>A cell that is ready to run.</summary>
/// <param name="Start">Starts it on the variables of all cells; the task's value is that of the last expression.</param>
/// <param name="HasResult">True when the cell has a value to show, which may be null.</param>
internal sealed record CompiledCell(Func<object?[], Task<object?>> Start, bool HasResult);
