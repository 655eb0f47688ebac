using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Taiyi.Cpu;

/// <summary>Runs our own loops on the threads of libtorch.</summary>
/// <remarks>
/// For some milliseconds after a parallel loop the threads of OpenMP keep polling for the next one instead of sleeping.
/// Other threads that start a loop meanwhile share the processor with them: a short loop takes three to four times as long.
/// So ours is given to the same threads, by the entry that a compiler gives <c>#pragma omp parallel</c> (GCC, libgomp,
/// section "Implementing PARALLEL construct"). Where libtorch brings another OpenMP, .NET's threads take its place.
/// </remarks>
internal static unsafe class OpenMPThreads
{
    private static readonly Lazy<nint> Parallel = new(() =>
        NativeLibrary.TryLoad("libtorch_cpu.so", out nint libtorch) && NativeLibrary.TryGetExport(libtorch, "GOMP_parallel", out nint parallel) ? parallel : 0);

    /// <summary>Whether they are libtorch's threads.</summary>
    public static bool AreShared => Parallel.Value != 0;

    /// <summary>Calls the action once with every number from 0 to <paramref name="count"/> - 1, on <see cref="get_num_threads"/> threads, and waits for all.</summary>
    /// <param name="count">Of the calls.</param>
    /// <param name="action">Must not call libtorch. If one call fails, those that have not begun are left out, and its error is thrown here.</param>
    public static void ForEach(int count, Action<int> action)
    {
        int threads = Math.Min(count, get_num_threads());
        if (!AreShared)
        {
            System.Threading.Tasks.Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, threads) }, action);
            return;
        }

        Loop loop = new(count, action);
        using GCHandle<Loop> handle = new(loop);
        ((delegate* unmanaged<delegate* unmanaged<nint, void>, nint, uint, uint, void>)Parallel.Value)(&Enter, GCHandle<Loop>.ToIntPtr(handle), (uint)threads, 0);
        loop.Error?.Throw();
    }

    [UnmanagedCallersOnly]
    private static void Enter(nint loop) => GCHandle<Loop>.FromIntPtr(loop).Target.Run();

    private sealed class Loop(int count, Action<int> action)
    {
        private int _next;

        public ExceptionDispatchInfo? Error { get; private set; }

        // An error must not reach the native frames below.
        public void Run()
        {
            try
            {
                for (int number; Error is null && (number = Interlocked.Increment(ref _next) - 1) < count;)
                {
                    action(number);
                }
            }
            catch (Exception error)
            {
                Error = ExceptionDispatchInfo.Capture(error);
            }
        }
    }
}
