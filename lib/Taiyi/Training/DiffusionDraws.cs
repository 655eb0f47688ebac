using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>The random numbers of one pass of Algorithm 1 of DDPM, apart from the choice of the pictures.</summary>
/// <param name="Xi">ξ ~ N(0, I), which picks the latents from the VAE's posterior, (B, C, H, W) float32.</param>
/// <param name="Epsilon">ε ~ N(0, I), the noise that the network is to find, (B, C, H, W) float32.</param>
/// <param name="Timesteps">t ~ Uniform({0, …, T-1}), (B) int64.</param>
public sealed record DiffusionDraws(Tensor Xi, Tensor Epsilon, Tensor Timesteps) : IDisposable
{
    /// <summary>Draws them.</summary>
    /// <param name="shape">(B, C, H, W) of the latents.</param>
    /// <param name="numTrainTimesteps">T.</param>
    /// <param name="generator">A CPU generator: the same seed gives the same numbers on every device.</param>
    /// <param name="noiseOffset">
    /// Deviation of a number that is added to all of a channel's noise, so that the network also learns a picture's overall
    /// brightness (https://www.crosslabs.org/blog/diffusion-with-offset-noise); 0 for none, 0.05 to 0.1 is usual.
    /// </param>
    /// <param name="device">Where the tensors are to lie; the CPU if null.</param>
    /// <returns>New tensors; the caller disposes of them.</returns>
    public static DiffusionDraws Draw(long[] shape, int numTrainTimesteps, Generator generator, double noiseOffset = 0, Device? device = null)
    {
        using var scope = NewDisposeScope();
        Tensor xi = randn(shape, ScalarType.Float32, CPU, generator: generator);
        Tensor epsilon = randn(shape, ScalarType.Float32, CPU, generator: generator);
        Tensor timesteps = randint(0, numTrainTimesteps, [shape[0]], ScalarType.Int64, CPU, generator: generator);
        if (noiseOffset != 0)
        {
            epsilon = epsilon + noiseOffset * randn([shape[0], shape[1], 1, 1], ScalarType.Float32, CPU, generator: generator);
        }

        device ??= CPU;
        return new DiffusionDraws(
            xi.to(device).MoveToOuterDisposeScope(),
            epsilon.to(device).MoveToOuterDisposeScope(),
            timesteps.to(device).MoveToOuterDisposeScope());
    }

    /// <summary>The draws of some pictures of the batch.</summary>
    /// <param name="rows">Their places in it.</param>
    /// <returns>These draws themselves for the whole batch, else new tensors, which the caller disposes of.</returns>
    internal DiffusionDraws Of(long[] rows)
    {
        if (rows.Length == Timesteps.shape[0])
        {
            return this;
        }

        using Tensor index = tensor(rows, device: Timesteps.device);
        return new DiffusionDraws(Xi.index_select(0, index), Epsilon.index_select(0, index), Timesteps.index_select(0, index));
    }

    /// <summary>Frees the three tensors.</summary>
    public void Dispose()
    {
        Xi.Dispose();
        Epsilon.Dispose();
        Timesteps.Dispose();
    }
}
