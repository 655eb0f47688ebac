using System.Runtime.InteropServices;

namespace Taiyi.Cpu;

/// <summary>
/// Sets what libtorch's OpenMP reads from the environment when it is loaded. What the user has set stays as it is.
/// </summary>
internal static partial class NativeEnvironment
{
    // Turns of an idle thread's waiting loop before it goes to sleep. By default libgomp's threads wait for 300,000 turns, also when other
    // programs want their cores: one that generates pictures beside eight busy processes then takes three times as long.
    private const string SpinCount = "1000";

    // The same in milliseconds, for the OpenMP of Intel and LLVM.
    private const string BlockTime = "1";

    private static readonly string[] SpinVariables = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY"];

    /// <summary>Sets them. Call it before libtorch is loaded: afterwards it has no effect.</summary>
    public static void Prepare()
    {
        if (SpinVariables.All(variable => string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable))))
        {
            (string name, string value) = OperatingSystem.IsLinux() ? ("GOMP_SPINCOUNT", SpinCount) : ("KMP_BLOCKTIME", BlockTime);
            Set(name, value);
        }
    }

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
