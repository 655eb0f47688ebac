namespace Taiyi.Cli;

/// <summary>
/// A folder that results go into, tried before the work: made, and written into. Disposing it takes it away again if it was made here
/// and nothing came into it.
/// </summary>
internal sealed class OutputFolder : IDisposable
{
    private readonly bool _isNew;

    private OutputFolder(string path, bool isNew) => (Path, _isNew) = (path, isNew);

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>Makes the folder if it is missing, and tries to write.</summary>
    /// <exception cref="IOException">It cannot be made or written.</exception>
    public static OutputFolder Open(string path)
    {
        if (File.Exists(path))
        {
            throw new IOException($"The output '{path}' is a file: name a folder.");
        }

        bool isNew = !Directory.Exists(path);
        try
        {
            Directory.CreateDirectory(path);
            using FileStream probe = new(System.IO.Path.Combine(path, $".{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            probe.WriteByte(0);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The output folder '{path}' cannot be written ({fault.Message.TrimEnd('.')}): name another one.", fault);
        }

        return new OutputFolder(path, isNew);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_isNew && Directory.Exists(Path) && !Directory.EnumerateFileSystemEntries(Path).Any())
        {
            Directory.Delete(Path);
        }
    }
}
