namespace Taiyi.Files;

/// <summary>
/// A weight file or model folder that cannot be used: malformed, truncated, of another architecture, or incomplete.
/// The message is one sentence that names the file, the value found, the values allowed and what to do.
/// </summary>
/// <param name="message">The sentence shown to the user.</param>
/// <param name="innerException">What the file system or a parser said, if anything.</param>
public sealed class CheckpointException(string message, Exception? innerException = null)
    : TaiyiException(message, innerException);
