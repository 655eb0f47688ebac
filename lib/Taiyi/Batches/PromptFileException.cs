using Taiyi.Files;

namespace Taiyi.Batches;

/// <summary>A file of prompts that cannot be used; the message names the file, the line, what it has and what it may have.</summary>
/// <param name="message">The sentence shown to the user.</param>
/// <param name="innerException">What a parser said, if anything.</param>
public sealed class PromptFileException(string message, Exception? innerException = null)
    : TaiyiException(message, innerException);
