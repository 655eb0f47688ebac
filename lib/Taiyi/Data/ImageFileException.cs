using Taiyi.Files;

namespace Taiyi.Data;

/// <summary>A picture file that can't be read: the message is one sentence that names the file and what is wrong.</summary>
public sealed class ImageFileException : TaiyiException
{
    /// <summary>Makes the error of one file.</summary>
    /// <param name="path">The file, as the caller named it.</param>
    /// <param name="problem">What is wrong with it: the rest of a sentence that starts with the file's name.</param>
    /// <param name="innerException">What the system said, if it said anything.</param>
    public ImageFileException(string path, string problem, Exception? innerException = null)
        : base($"'{path}' {problem}", innerException) => Path = path;

    /// <summary>The file, as the caller named it.</summary>
    public string Path { get; }
}
