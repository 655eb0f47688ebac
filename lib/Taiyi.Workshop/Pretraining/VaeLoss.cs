using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Pretraining;

/// <summary>What the terms of the VAE's loss are multiplied by.</summary>
/// <param name="L1">Mean absolute error of the pixels.</param>
/// <param name="Mse">Mean squared error of the pixels.</param>
/// <param name="Gradient">Mean absolute error of the differences between neighbouring pixels, which keeps edges sharp.</param>
/// <param name="Detail">Mean squared error of how much neighbouring pixels differ on average in windows of 8 x 8: what cannot be known from the latents comes back as fine as it was, in place of smooth.</param>
/// <param name="Kl">Distance of the posterior from N(0, I), a mean over latents: small, as the latents need only stay finite and smooth.</param>
public sealed record VaeLossWeights(double L1 = 1, double Mse = 1, double Gradient = 0.5, double Detail = 0, double Kl = 1e-4);

/// <summary>
/// The loss of a VAE: how far the reconstruction is from the picture, and how far the posterior is from N(0, I): arXiv 1312.6114
/// eq. (10), the first term by the errors of pixels, edges and detail in place of a likelihood.
/// </summary>
/// <param name="weights">What the terms are multiplied by.</param>
public sealed class VaeLoss(VaeLossWeights weights)
{
    private const int Window = 8;

    /// <summary>The loss of a batch, a scalar in float32; the caller owns it.</summary>
    /// <param name="picture">x, (B, 3, H, W) in [-1, 1].</param>
    /// <param name="reconstruction">y, (B, 3, H, W).</param>
    /// <param name="posterior">q(z|x).</param>
    public Tensor Compute(Tensor picture, Tensor reconstruction, DiagonalGaussianDistribution posterior)
    {
        using var scope = NewDisposeScope();
        (picture, reconstruction) = (picture.to(ScalarType.Float32), reconstruction.to(ScalarType.Float32));
        Tensor error = reconstruction - picture;                                                               // (B, 3, H, W)
        Tensor gradient = error.diff(dim: 3).abs().mean() + error.diff(dim: 2).abs().mean();
        Tensor loss = weights.L1 * error.abs().mean() + weights.Mse * error.square().mean() + weights.Gradient * gradient
            + weights.Kl * KlDivergence(posterior);
        if (weights.Detail != 0)
        {
            loss += weights.Detail * DetailError(picture, reconstruction);
        }

        return loss.MoveToOuterDisposeScope();
    }

    // Smooth is the safest guess of a pixel that is not known, so that the errors above soften pictures. This one compares averages of
    // |∂x| + |∂y|, which ask for as much contrast as there was and leave its place open; squared, since the best guess is then the mean
    // of what there may be, where an absolute error has the median, which is softer.
    private static Tensor DetailError(Tensor picture, Tensor reconstruction)
    {
        using var scope = NewDisposeScope();
        return (Detail(reconstruction) - Detail(picture)).square().mean().MoveToOuterDisposeScope();
    }

    private static Tensor Detail(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        Tensor horizontal = pictures.diff(dim: 3).abs()[.., .., ..^1, ..], vertical = pictures.diff(dim: 2).abs()[.., .., .., ..^1]; // (B, 3, H-1, W-1)
        return nn.functional.avg_pool2d(horizontal + vertical, Window, stride: Window / 2).MoveToOuterDisposeScope();
    }

    /// <summary>KL(q(z|x) ‖ N(0, I)) = ½ (μ² + σ² - 1 - log σ²), the mean over batch and latents, a scalar in float32.</summary>
    /// <param name="posterior">q(z|x).</param>
    public static Tensor KlDivergence(DiagonalGaussianDistribution posterior)
    {
        using var scope = NewDisposeScope();
        Tensor mean = posterior.Mean.to(ScalarType.Float32), logVariance = posterior.LogVariance.to(ScalarType.Float32);
        return (0.5 * (mean.square() + logVariance.exp() - 1 - logVariance).mean()).MoveToOuterDisposeScope();
    }
}
