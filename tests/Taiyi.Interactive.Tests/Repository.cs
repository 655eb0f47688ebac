namespace Taiyi.Interactive.Tests;

/// <summary>Where the notebooks and the built library are. This project shares no code that would load the library itself.</summary>
internal static class Repository
{
    /// <summary>The folder that holds TaiyiNotebooks.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of Taiyi.Display.dll that the notebooks refer to, in the configuration of this build.</summary>
    public static string Library { get; } = Path.Combine(
        [Root, "lib", "Taiyi.Display", "bin", .. AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar)[^2..]]);

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder != null && !File.Exists(Path.Combine(folder.FullName, "TaiyiNotebooks.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException($"No TaiyiNotebooks.sln above {AppContext.BaseDirectory}: run the tests inside the repository.");
    }
}
