namespace Taiyi.Kernel.Tests;

public class KernelExceptionTests
{
    [Fact]
    public void Every_exception_of_the_kernel_has_one_root()
    {
        Type[] exceptions = [.. typeof(KernelException).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Exception)) && type != typeof(KernelException))];

        Assert.NotEmpty(exceptions);
        Assert.All(exceptions, type => Assert.True(type.IsSubclassOf(typeof(KernelException)), type.FullName));
    }
}
