namespace Taiyi.Files;

/// <summary>
/// Writes files and folders under a temporary name beside their own and renames them when they are complete: under its own name
/// there is always a whole one, the old or the new, whatever happens in between.
/// </summary>
internal static class AtomicWrite
{
    /// <summary>Extension of an incomplete file or folder; a killed process may leave one behind.</summary>
    public const string TemporaryEnding = ".tmp";

    /// <summary>Writes a file. Its folder is made if it is missing.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes the bytes into the stream that it is given.</param>
    /// <param name="replace">Whether an older file of that name is replaced; if not, there must be none.</param>
    /// <exception cref="IOException">The disk is full or the folder unwritable, or there is such a file; an older file is as it was.</exception>
    public static void File(string path, Action<FileStream> write, bool replace = true)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string temporary = TemporaryName(path);
        try
        {
            using (FileStream stream = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            System.IO.File.Move(temporary, path, overwrite: replace);
        }
        finally
        {
            System.IO.File.Delete(temporary); // gone already after a complete write
        }
    }

    /// <summary>Writes a text file in UTF-8 without a byte order mark.</summary>
    /// <inheritdoc cref="File"/>
    public static void Text(string path, string text) => File(path, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes a folder that is not there yet, or is empty. The folder above it is made if it is missing.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="write">Writes the files into the folder that it is given.</param>
    /// <exception cref="IOException">The disk is full or the folder unwritable; nothing of that name is there.</exception>
    public static void Folder(string path, Action<string> write)
    {
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)), temporary = TemporaryName(target);
        try
        {
            Directory.CreateDirectory(temporary);
            write(temporary);
            if (Directory.Exists(target))
            {
                Directory.Delete(target); // throws unless it is empty
            }

            Directory.Move(temporary, target);
        }
        catch
        {
            DeleteIfPossible(temporary);
            throw;
        }
    }

    private static string TemporaryName(string path) => $"{path}.{Guid.NewGuid():N}{TemporaryEnding}";

    private static void DeleteIfPossible(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The fault that led here is the one to report.
        }
    }
}
