using static TorchSharp.torch;

namespace Taiyi.Cpu.Tests;

[NoTensorLeak]
public sealed class NativeEnvironmentTests
{
    [Fact]
    public void A_large_tensor_lies_in_large_pages()
    {
        if (!File.Exists("/sys/kernel/mm/transparent_hugepage/enabled"))
        {
            Assert.Skip("This system has no transparent large pages.");
        }

        Assert.SkipWhen(Environment.GetEnvironmentVariable("THP_MEM_ALLOC_ENABLE") is { Length: > 0 }, "The user has decided.");
        using Tensor large = zeros(64 << 20, dtype: uint8);

        // proc_pid_smaps(5): each mapping has its size in kB and ends with its flags; hg is MADV_HUGEPAGE.
        long size = 0, advised = 0;
        foreach (string[] words in File.ReadLines("/proc/self/smaps").Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            size = words[0] == "Size:" ? long.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture) : size;
            advised += words[0] == "VmFlags:" && words.Contains("hg") ? size : 0;
        }

        Assert.True(advised >= 64 << 10, $"{advised} kB of large pages were asked for");
    }
}
