namespace Taiyi.Training;

/// <summary>
/// The processes that train together, each with its share of every step's pictures; torch.distributed's process group. Every process
/// makes the same calls in the same order, on one thread at a time.
/// </summary>
public interface IProcessGroup
{
    /// <summary>Number of this process, from 0. Process 0 alone logs, draws samples and writes files.</summary>
    int Rank { get; }

    /// <summary>N, the number of processes.</summary>
    int Size { get; }

    /// <summary>Puts the sum over all processes in the place of every value, the same bits in each process.</summary>
    /// <param name="values">As many in every process.</param>
    /// <param name="cancellationToken">Ends the waiting for the others; the group is then of no more use.</param>
    void AllReduce(float[] values, CancellationToken cancellationToken = default);

    /// <summary>Puts the values of process 0 in the place of every other's.</summary>
    /// <param name="values">As many in every process.</param>
    /// <param name="cancellationToken">Ends the waiting for the others; the group is then of no more use.</param>
    void Broadcast(byte[] values, CancellationToken cancellationToken = default);

    /// <summary>Waits until every process is here.</summary>
    /// <param name="cancellationToken">Ends the waiting; the group is then of no more use.</param>
    void Barrier(CancellationToken cancellationToken = default);

    /// <summary>Waits until every process is here, then leaves the group. A process that ends without it ends the others: so a fault of one ends all.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    void Finish(CancellationToken cancellationToken = default);
}

/// <summary>A training in one process: nothing to exchange, nobody to wait for.</summary>
public sealed class SingleProcess : IProcessGroup
{
    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int Size => 1;

    /// <inheritdoc/>
    public void AllReduce(float[] values, CancellationToken cancellationToken = default)
    {
    }

    /// <inheritdoc/>
    public void Broadcast(byte[] values, CancellationToken cancellationToken = default)
    {
    }

    /// <inheritdoc/>
    public void Barrier(CancellationToken cancellationToken = default)
    {
    }

    /// <inheritdoc/>
    public void Finish(CancellationToken cancellationToken = default)
    {
    }
}
