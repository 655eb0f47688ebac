using System.Reflection;
using TorchSharp;
using Xunit.v3;

namespace Taiyi.Tests;

/// <summary>Fails a test that leaves native tensors undisposed on its thread.</summary>
/// <remarks>Counts are TorchSharp's own and thread-static: the test must be synchronous.</remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class NoTensorLeakAttribute : BeforeAfterTestAttribute
{
    private long _before;

    public override void Before(MethodInfo methodUnderTest, IXunitTest test) => _before = Live();

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        long leaked = Live() - _before;
        if (leaked > 0)
        {
            throw new InvalidOperationException($"{methodUnderTest.Name} left {leaked} tensors undisposed: give each an owner (a 'using' or a scope).");
        }
    }

    private static long Live() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
