using TorchSharp;

namespace Taiyi.Cpu.Tests;

public class NativeLibraryTests
{
    [Fact]
    [NoTensorLeak]
    public void Libtorch_loads_on_this_host_and_computes()
    {
        using torch.Tensor a = torch.tensor([1f, 2f, 3f]);
        using torch.Tensor b = a.dot(a);
        Assert.Equal(14f, b.item<float>());
    }
}
