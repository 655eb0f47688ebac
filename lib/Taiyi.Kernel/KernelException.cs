namespace Taiyi.Kernel;

/// <summary>
/// The root of all errors of this kernel. The message is for the user: what is wrong, the actual value, the allowed values, what to do
/// next. A request that breaks Jupyter's protocol is an <see cref="ArgumentException"/>: a client's fault, not a user's.
/// </summary>
/// <param name="message">The sentence shown to the user.</param>
/// <param name="innerException">What the file system or a parser said, if anything.</param>
public abstract class KernelException(string message, Exception? innerException = null) : Exception(message, innerException);
