namespace Taiyi.Kernel.Jupyter;

/// <summary>The kernel cannot start or be installed: one sentence that says why and what to do.</summary>
public sealed class JupyterException(string message, Exception? inner = null) : KernelException(message, inner);
