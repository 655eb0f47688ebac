using System.Runtime.InteropServices;

namespace Taiyi.Cpu;

/// <summary>
/// Sets what libtorch and its OpenMP read from the environment when they are loaded, and how much libtorch reports. What the user has set
/// stays as it is.
/// </summary>
internal static partial class NativeEnvironment
{
    // Turns of an idle thread's waiting loop before it goes to sleep. By default libgomp's threads wait for 300,000 turns, also when other
    // programs want their cores: one that generates pictures beside eight busy processes then takes three times as long. With fewer
    // turns than these a training step of full size is slower on an idle machine (tests/Taiyi.Benchmarks/README.md).
    private const string SpinCount = "3000";

    // The same in milliseconds, for the OpenMP of Intel and LLVM.
    private const string BlockTime = "1";

    private static readonly string[] SpinVariables = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY"];

    // Whether libtorch asks Linux for pages of 2 MiB for tensors of that size and more (pytorch, c10/core/impl/alloc_cpu.cpp). The maps of a
    // VAE decode are taken from the system anew in every layer, and a page fault for every 4 KiB of them is half of its time.
    private const string LargePages = "THP_MEM_ALLOC_ENABLE";

    /// <summary>Sets them. Call it before libtorch is loaded: afterwards it has no effect.</summary>
    public static void Prepare()
    {
        if (!IsSet(LargePages) && OperatingSystem.IsLinux())
        {
            Set(LargePages, "1");
        }

        if (!SpinVariables.Any(IsSet))
        {
            (string name, string value) = OperatingSystem.IsLinux() ? ("GOMP_SPINCOUNT", SpinCount) : ("KMP_BLOCKTIME", BlockTime);
            Set(name, value);
        }
    }

    /// <summary>
    /// Lets libtorch report errors alone, unless the user has set <c>TORCH_CPP_LOG_LEVEL</c>: on a processor that NNPACK does not know, every
    /// convolution would warn of it, and nothing here needs NNPACK. Call it after libtorch is loaded.
    /// </summary>
    public static void QuietLog()
    {
        const int Error = 2; // pytorch, c10/util/logging_is_not_google_glog.h
        string c10 = OperatingSystem.IsWindows() ? "c10.dll" : OperatingSystem.IsMacOS() ? "libc10.dylib" : "libc10.so";
        if (!IsSet("TORCH_CPP_LOG_LEVEL")
            && NativeLibrary.TryLoad(c10, out nint library) && NativeLibrary.TryGetExport(library, "FLAGS_caffe2_log_level", out nint level))
        {
            Marshal.WriteInt32(level, Error);
        }
    }

    private static bool IsSet(string variable) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable));

    // .NET keeps a copy of the environment of its own, which native code does not see; Windows' is the system's.
    private static void Set(string name, string value)
    {
        if (OperatingSystem.IsWindows())
        {
            Environment.SetEnvironmentVariable(name, value);
        }
        else
        {
            _ = SetNative(name, value, overwrite: 1);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetNative(string name, string value, int overwrite);
}
