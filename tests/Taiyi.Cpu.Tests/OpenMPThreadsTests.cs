using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Taiyi.Cpu.Tests;

/// <summary>Our own loops on the threads of libtorch.</summary>
public sealed class OpenMPThreadsTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    public void Every_number_is_called_once(int count)
    {
        int[] calls = new int[count];

        OpenMPThreads.ForEach(count, number => Interlocked.Increment(ref calls[number]));

        Assert.All(calls, call => Assert.Equal(1, call));
    }

    [Fact]
    public void It_takes_as_many_threads_as_libtorch()
    {
        using Barrier barrier = new(get_num_threads());

        // Each waits for the others: on fewer threads none would come back.
        OpenMPThreads.ForEach(get_num_threads(), _ => Assert.True(barrier.SignalAndWait(TimeSpan.FromMinutes(1))));

        Assert.Equal(OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64, OpenMPThreads.AreShared);
    }

    [Fact]
    public void An_error_comes_back_and_the_next_loop_runs()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() =>
            OpenMPThreads.ForEach(100, number => throw new InvalidOperationException("number " + number)));
        int sum = 0;
        OpenMPThreads.ForEach(10, number => Interlocked.Add(ref sum, number));

        Assert.StartsWith("number ", error.Message);
        Assert.Equal(45, sum);
    }
}
