using Taiyi.Files;
using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>
/// All randomness of a training: each use has a generator of its own whose seed is a hash of the training's seed, the purpose
/// and a number. Nothing but the number of the step must be saved to go on with the same draws.
/// </summary>
/// <param name="seed">The training's seed.</param>
public sealed class TrainingRandom(long seed)
{
    /// <summary>A new CPU generator for a purpose and the number of its use; the caller disposes of it.</summary>
    public Generator For(string purpose, long number) => Seed.Of($"{seed}/{purpose}/{number}").CreateGenerator();

    /// <summary>
    /// Which pictures a batch holds. The data come in one endless stream: all pictures in a random order, then all again in
    /// another. A batch may reach over the end of an epoch, so that every picture is seen equally often.
    /// </summary>
    /// <param name="first">Place in the stream, 0 for the first picture of the training.</param>
    /// <param name="batchSize">Number of pictures.</param>
    /// <param name="pictures">Pictures in an epoch.</param>
    public long[] Images(long first, int batchSize, int pictures)
    {
        Dictionary<long, long[]> orders = [];
        long[] batch = new long[batchSize];
        for (int i = 0; i < batchSize; i++)
        {
            (long epoch, long place) = Math.DivRem(first + i, pictures);
            if (!orders.TryGetValue(epoch, out long[]? order))
            {
                orders[epoch] = order = Permutation(epoch, pictures);
            }

            batch[i] = order[place];
        }

        return batch;
    }

    private long[] Permutation(long epoch, int pictures)
    {
        using Generator generator = For("order", epoch);
        using Tensor permutation = randperm(pictures, ScalarType.Int64, CPU, generator: generator);
        return permutation.data<long>().ToArray();
    }
}
