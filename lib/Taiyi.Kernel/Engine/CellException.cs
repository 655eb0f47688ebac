namespace Taiyi.Kernel.Engine;

/// <summary>A cell that cannot run for a reason outside of C#: a refused command, a missing reference, a failed package restore.</summary>
/// <param name="message">One sentence for the notebook's author.</param>
public sealed class CellException(string message) : KernelException(message);
