using System.Text;

namespace Taiyi.Kernel;

/// <summary>Writes a file under a temporary name beside its own and renames it when it is complete: a reader never sees half of it.</summary>
internal static class AtomicWrite
{
    /// <summary>Writes a text file in UTF-8 without a byte order mark; an older one is replaced. Its folder is made if it is missing.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written to; an older file is as it was.</exception>
    public static void Text(string path, string text)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        // Hidden, so that Jupyter's file browser does not show it.
        string temporary = Path.Combine(folder, $".{Path.GetFileName(path)}.{Guid.NewGuid():N}.tmp");
        try
        {
            File.WriteAllText(temporary, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary); // gone already after a complete write
        }
    }
}
