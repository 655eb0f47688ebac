namespace Taiyi.Files;

/// <summary>
/// The root of all errors of this library. The message is for the user: what is wrong, the actual value, the allowed values, what
/// to do next. Arguments out of range are <see cref="ArgumentException"/>s, as everywhere in .NET.
/// </summary>
/// <param name="message">The sentence shown to the user.</param>
/// <param name="innerException">What the file system or a parser said, if anything.</param>
public abstract class TaiyiException(string message, Exception? innerException = null) : Exception(message, innerException);
