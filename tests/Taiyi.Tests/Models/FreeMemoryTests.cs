using Taiyi.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Taiyi.Tests.Models;

// Alone: what the whole process takes is measured, and other tests take some of it.
[CollectionDefinition("memory of the process", DisableParallelization = true)]
[Collection("memory of the process")]
[NoTensorLeak]
public sealed class FreeMemoryTests
{
    [Fact]
    public void Memory_of_freed_tensors_goes_back_to_the_system_though_small_ones_between_them_stay()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only glibc keeps tensors of this size.");
        using var scope = NewDisposeScope();
        zeros(24 << 18).Dispose(); // from now on glibc takes 24 MiB from its heap
        FreeMemory.ReturnUnused(); // of earlier tests
        double before = ResidentMiB();

        List<Tensor> large = [], small = [];
        for (int i = 0; i < 22; i++)
        {
            large.Add(ones(24 << 18)); // 24 MiB of float32
            small.Add(ones(16));
        }

        double most = ResidentMiB();
        large.ForEach(tensor => tensor.Dispose());
        FreeMemory.ReturnUnused();

        Assert.InRange(most - before, 350, 1000); // 528, less what earlier tests left free and was not worth returning
        Assert.InRange(ResidentMiB() - before, double.MinValue, 100);
        Assert.All(small, tensor => Assert.Equal(16, tensor.sum().ToDouble()));
    }

    private static double ResidentMiB() =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture) * Environment.SystemPageSize / 1048576.0;
}
