using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>The random numbers of one pass of consistency distillation (<see cref="ConsistencyLoss"/>), apart from the choice of the pictures.</summary>
/// <param name="Xi">ξ ~ N(0, I), which picks the latents from the VAE's posterior, (B, C, H, W) float32.</param>
/// <param name="Epsilon">ε ~ N(0, I), the noise of the sample, (B, C, H, W) float32.</param>
/// <param name="Places">n ~ Uniform({0, …, N-1}), the place on the solver's grid of N timesteps, (B) int64.</param>
/// <param name="Omega">ω, the teacher's guidance: ε̃ = ε_c + ω (ε_c - ε_u), which is the guidance scale less 1, (B) float32.</param>
public sealed record ConsistencyDraws(Tensor Xi, Tensor Epsilon, Tensor Places, Tensor Omega) : IDisposable
{
    /// <summary>Draws them.</summary>
    /// <param name="shape">(B, C, H, W) of the latents.</param>
    /// <param name="solverSteps">N.</param>
    /// <param name="guidanceScales">The guidance scale of each picture lies evenly between the two.</param>
    /// <param name="generator">A CPU generator: the same seed gives the same numbers on every device.</param>
    /// <param name="device">Where the tensors are to lie; the CPU if null.</param>
    /// <returns>New tensors; the caller disposes of them.</returns>
    public static ConsistencyDraws Draw(long[] shape, int solverSteps, (double Least, double Largest) guidanceScales, Generator generator, Device? device = null)
    {
        using var scope = NewDisposeScope();
        device ??= CPU;
        Tensor xi = randn(shape, ScalarType.Float32, CPU, generator: generator);
        Tensor epsilon = randn(shape, ScalarType.Float32, CPU, generator: generator);
        Tensor places = randint(0, solverSteps, [shape[0]], ScalarType.Int64, CPU, generator: generator);
        Tensor share = rand([shape[0]], ScalarType.Float32, CPU, generator: generator);
        Tensor omega = share * (guidanceScales.Largest - guidanceScales.Least) + (guidanceScales.Least - 1);
        return new ConsistencyDraws(
            xi.to(device).MoveToOuterDisposeScope(),
            epsilon.to(device).MoveToOuterDisposeScope(),
            places.to(device).MoveToOuterDisposeScope(),
            omega.to(device).MoveToOuterDisposeScope());
    }

    /// <summary>Frees the four tensors.</summary>
    public void Dispose()
    {
        Xi.Dispose();
        Epsilon.Dispose();
        Places.Dispose();
        Omega.Dispose();
    }
}
