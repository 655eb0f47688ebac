using System.Diagnostics;
using System.Runtime.InteropServices;
using Taiyi.Files;
using Taiyi.Training;

namespace Taiyi.Distributed;

/// <summary>The processes that an MPI launcher started. Waiting ends with the current <see cref="Interruption"/> and costs no processor time.</summary>
internal sealed class MpiProcessGroup : IProcessGroup
{
    // So long a sum is expected to take when all processes are ready; a sleep between its parts would take longer than they do.
    private static readonly TimeSpan Transfer = TimeSpan.FromSeconds(1);

    private readonly MpiLibrary _library;

    private MpiProcessGroup(MpiLibrary library, int rank, int size) => (_library, Rank, Size) = (library, rank, size);

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int Size { get; }

    /// <summary>Starts MPI in this process.</summary>
    /// <param name="launcher">What the launcher's variables say.</param>
    /// <exception cref="DistributedException">There is no MPI library, or it is not the launcher's.</exception>
    public static MpiProcessGroup Join(Launcher launcher)
    {
        MpiLibrary library = MpiLibrary.Load(launcher.Kind);
        (int rank, int size) = library.Initialize();
        return size == launcher.Size
            ? new MpiProcessGroup(library, rank, size)
            : throw new DistributedException(
                $"The launcher started {launcher.Size} processes, but {library.Name} sees {size}: start them with the mpirun of that library, or with srun --mpi=pmix where it was built for it.");
    }

    /// <inheritdoc/>
    public void AllReduce(float[] values, CancellationToken cancellationToken = default) =>
        Run(values, address => _library.AllReduce(address, values.Length), Transfer, cancellationToken);

    /// <inheritdoc/>
    public void Broadcast(byte[] values, CancellationToken cancellationToken = default) =>
        Run(values, address => _library.Broadcast(address, values.Length), TimeSpan.Zero, cancellationToken);

    /// <inheritdoc/>
    public void Barrier(CancellationToken cancellationToken = default) => Wait(_library.Barrier(), TimeSpan.Zero, cancellationToken);

    /// <inheritdoc/>
    public void Finish(CancellationToken cancellationToken = default)
    {
        Barrier(cancellationToken); // here the first to be ready sleep; inside of MPI they would take processor time from the last
        _library.Leave();
    }

    private void Run(Array values, Func<nint, nint> start, TimeSpan busy, CancellationToken cancellationToken)
    {
        GCHandle pinned = GCHandle.Alloc(values, GCHandleType.Pinned);
        Wait(start(pinned.AddrOfPinnedObject()), busy, cancellationToken);
        pinned.Free(); // only now: after a fault MPI may still write there
    }

    private void Wait(nint request, TimeSpan busy, CancellationToken cancellationToken)
    {
        using CancellationTokenSource cancellation = Interruption.Combine(cancellationToken);
        Stopwatch clock = Stopwatch.StartNew();
        while (!_library.IsDone(ref request))
        {
            cancellation.Token.ThrowIfCancellationRequested();
            if (clock.Elapsed < busy)
            {
                Thread.Yield();
            }
            else
            {
                Thread.Sleep(1);
            }
        }
    }
}
