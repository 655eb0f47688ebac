using System.Globalization;

namespace Taiyi.Cli;

/// <summary>Files that a verb writes: what an earlier run left is not replaced.</summary>
internal static class OutputPath
{
    /// <summary>Refuses a name that is taken, before any work is done.</summary>
    /// <param name="path">A file; null is none.</param>
    /// <exception cref="IOException">There is such a file or folder.</exception>
    public static void RequireNew(string? path)
    {
        if (path is not null && Path.Exists(path))
        {
            throw new IOException($"'{path}' exists already and is not replaced: name another file, or take it away first.");
        }
    }

    /// <summary>The path itself, or with _2, _3, … in its name if there is such a file.</summary>
    public static string Free(string path)
    {
        string Numbered(int number) => number == 1 ? path : Path.Combine(
            Path.GetDirectoryName(path) ?? "",
            string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileNameWithoutExtension(path)}_{number}{Path.GetExtension(path)}"));
        return Numbered(Enumerable.Range(1, int.MaxValue).First(number => !Path.Exists(Numbered(number))));
    }
}
