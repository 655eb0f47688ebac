using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Pretraining;

/// <summary>
/// Trains the innermost level of a VAE against a trained one that lacks that level: between the other's maps, not between pictures.
/// </summary>
/// <remarks>
/// Nearly all of a VAE's work is done at the picture's size, and the outer levels can do theirs already. The trained network gives
/// the map that its encoder hands inwards and the map that its decoder begins with; the new level learns to lead from the one to
/// the other through smaller latents. The loss is that of a feature, not of pixels: the whole is trained on pictures afterwards.
/// </remarks>
/// <param name="teacher">The trained network; it is disposed with this.</param>
internal sealed class VaeInnerLevel(AutoencoderKL teacher) : IDisposable
{
    /// <summary>Mean squared error of the map in units of its variance, plus the weighted divergence from N(0, I); a scalar with its graph.</summary>
    /// <param name="vae">The network that has a level more, its outer levels the teacher's.</param>
    /// <param name="pictures">(B, 3, H, W) in [-1, 1].</param>
    /// <param name="kl">Weight of the divergence.</param>
    /// <param name="generator">Draws the noise of the latents.</param>
    public Tensor ComputeLoss(AutoencoderKL vae, Tensor pictures, double kl, Generator generator)
    {
        using var scope = NewDisposeScope();
        (Tensor outer, Tensor wanted) = Maps(pictures);                                                       // (B, C, H/f, W/f) both
        using DiagonalGaussianDistribution posterior = vae.EncodeInner(outer);                                // q(z|x), of (B, c, H/2f, W/2f)
        Tensor noise = randn(posterior.Mean.shape, ScalarType.Float32, CPU, generator: generator).to(pictures.device);
        Tensor error = vae.DecodeInner(posterior.Sample(noise)).to(ScalarType.Float32) - wanted;
        return ((error.square().mean() / wanted.var()) + (kl * VaeLoss.KlDivergence(posterior))).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the teacher.</summary>
    public void Dispose() => teacher.Dispose();

    private (Tensor Outer, Tensor Wanted) Maps(Tensor pictures)
    {
        using IDisposable noGrad = no_grad();
        Tensor outer = teacher.EncodeOuter(pictures);
        return (outer, teacher.Middle(outer).to(ScalarType.Float32));
    }
}
