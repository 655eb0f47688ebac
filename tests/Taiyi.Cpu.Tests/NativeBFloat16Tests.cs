using System.Runtime.InteropServices;

namespace Taiyi.Cpu.Tests;

public sealed class NativeBFloat16Tests
{
    [Fact]
    public void The_processor_is_asked_the_same_as_the_kernel_asks_it()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            Assert.Skip("/proc/cpuinfo lists the flags on Linux only.");
        }

        string[] flags = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("flags", StringComparison.Ordinal)).Split(' ');

        Assert.Equal(flags.Contains("avx512f") && (flags.Contains("avx512_bf16") || flags.Contains("amx_bf16")), NativeBFloat16.IsSupported);
    }
}
