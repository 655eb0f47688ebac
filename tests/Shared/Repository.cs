using System.Runtime.CompilerServices;
using Taiyi.Cpu;
using TorchSharp;

namespace Taiyi.Tests;

/// <summary>Files of the repository that the tests read: golden numbers, data, notebooks.</summary>
internal static class Repository
{
    /// <summary>The folder that holds TaiyiNotebooks.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Absolute path of a file or folder, given relative to the root with '/' between its parts.</summary>
    public static string PathTo(string relative) => Path.Combine([Root, .. relative.Split('/')]);

    /// <summary>Absolute path of a file below tests/Golden.</summary>
    public static string Golden(string relative) => PathTo("tests/Golden/" + relative);

    /// <summary>The small model that ships with the repository.</summary>
    public static string MiniModel => PathTo("data/models/taiyi-mini");

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder != null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "TaiyiNotebooks.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No TaiyiNotebooks.sln above {AppContext.BaseDirectory}: run the tests inside the repository.");
    }

    // Tests may touch TorchSharp before any member of the library.
#pragma warning disable CA2255
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void LoadNativeLibraries()
    {
        NativeLibraryResolver.Register();
        torch.InitializeDeviceType(DeviceType.CPU);
    }
}
