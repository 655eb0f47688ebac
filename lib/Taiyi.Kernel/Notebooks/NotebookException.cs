namespace Taiyi.Kernel.Notebooks;

/// <summary>A notebook that cannot be read or run as asked.</summary>
/// <param name="message">One sentence: the file, what is wrong, what to do.</param>
public sealed class NotebookException(string message) : KernelException(message);
