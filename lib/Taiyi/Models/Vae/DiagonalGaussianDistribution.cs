using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>The posterior q(z|x) = N(μ, diag σ²) over latents that the encoder gives for a picture.</summary>
/// <remarks>diffusers, models/autoencoders/vae.py, <c>DiagonalGaussianDistribution</c>; arXiv:1312.6114, section 3. Dispose it after use.</remarks>
public sealed class DiagonalGaussianDistribution : IDisposable
{
    /// <summary>Splits the encoder's output (B, 2C, H, W) into mean and log-variance, and owns the two.</summary>
    internal DiagonalGaussianDistribution(Tensor parameters)
    {
        using var scope = NewDisposeScope();
        Tensor[] halves = parameters.chunk(2, dim: 1);
        Mean = halves[0].MoveToOuterDisposeScope();
        LogVariance = halves[1].clamp(-30, 20).MoveToOuterDisposeScope(); // e^-30 … e^20 are finite in every dtype but float16
    }

    /// <summary>μ, (B, C, H, W), before the scaling factor.</summary>
    public Tensor Mean { get; }

    /// <summary>log σ², (B, C, H, W), between -30 and 20.</summary>
    public Tensor LogVariance { get; }

    /// <summary>The most likely latents, which are the mean: a new tensor that the caller owns, (B, C, H, W).</summary>
    public Tensor Mode() => Mean.alias();

    /// <summary>z = μ + σ ε (arXiv:1312.6114, section 2.4) with ε ~ N(0, 1) from a generator on the latents' device, (B, C, H, W).</summary>
    public Tensor Sample(Generator? generator = null)
    {
        using Tensor noise = randn(Mean.shape, dtype: Mean.dtype, device: Mean.device, generator: generator);
        return Sample(noise);
    }

    /// <summary>z = μ + σ ε with ε given, (B, C, H, W).</summary>
    public Tensor Sample(Tensor noise)
    {
        using var scope = NewDisposeScope();
        return (Mean + (0.5 * LogVariance).exp() * noise).MoveToOuterDisposeScope();
    }

    /// <summary>Frees mean and log-variance.</summary>
    public void Dispose()
    {
        Mean.Dispose();
        LogVariance.Dispose();
    }
}
