using Taiyi.Data;

namespace Taiyi.Cli;

/// <summary>Where the training set of a style lies.</summary>
internal static class StyleData
{
    /// <summary><c>data/NAME</c> in the current folder or one above it.</summary>
    /// <exception cref="DatasetException">There is none.</exception>
    public static string Find(Style style)
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder != null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "data", style.Name);
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new DatasetException($"There is no folder data/{style.Name} here or above: name the folder of pictures and captions with --data.");
    }
}
