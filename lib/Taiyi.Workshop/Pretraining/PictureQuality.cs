using Taiyi.Models;
using static TorchSharp.torch;

namespace Taiyi.Workshop.Pretraining;

/// <summary>How near pictures are to those that they stand for.</summary>
/// <param name="Psnr">Peak signal-to-noise ratio in dB, the mean over pictures.</param>
/// <param name="Sharpness">Mean gradient magnitude of the pictures, as a share of that of the others: below 1 they are softer.</param>
public sealed record PictureQuality(double Psnr, double Sharpness)
{
    private const int DecodedAtOnce = 16;

    /// <summary>Compares pictures pair by pair.</summary>
    /// <param name="pictures">(N, 3, H, W); what leaves [-1, 1] is clamped.</param>
    /// <param name="originals">(N, 3, H, W) in [-1, 1].</param>
    public static PictureQuality Of(Tensor pictures, Tensor originals)
    {
        using var scope = NewDisposeScope();
        Tensor clamped = pictures.clamp(-1, 1);
        return new PictureQuality(Decibels(originals, clamped).mean().item<float>(), Gradient(clamped) / Gradient(originals));
    }

    /// <summary>How the originals of a source come back from a VAE's latents.</summary>
    /// <param name="vae">It encodes to the mean and decodes that.</param>
    /// <param name="source">Its originals, all of them.</param>
    public static PictureQuality OfReconstructions(AutoencoderKL vae, IPictureSource source)
    {
        using var scope = NewDisposeScope();
        (double decibels, double gradient, double given) = (0, 0, 0);
        foreach (int[] batch in Enumerable.Range(0, source.Count).Chunk(DecodedAtOnce))
        {
            using var inner = NewDisposeScope();
            Tensor originals = PictureBatch.Originals(source, batch), pictures = Reconstruct(vae, originals);
            decibels += Decibels(originals, pictures).sum().item<float>();
            gradient += Gradient(pictures) * batch.Length;
            given += Gradient(originals) * batch.Length;
        }

        return new PictureQuality(decibels / source.Count, gradient / given);
    }

    /// <summary>Pictures from the mean of their latents, (N, 3, H, W) in [-1, 1] on the CPU; the caller owns the tensor.</summary>
    internal static Tensor Reconstruct(AutoencoderKL vae, Tensor pictures)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        Device device = vae.parameters().First().device;
        List<Tensor> rebuilt = [];
        foreach (Tensor batch in pictures.split(DecodedAtOnce))
        {
            using DiagonalGaussianDistribution posterior = vae.Encode(batch.to(device));
            rebuilt.Add(vae.Decode(posterior.Mean).to(ScalarType.Float32, CPU).clamp(-1, 1));
        }

        return cat(rebuilt).MoveToOuterDisposeScope();
    }

    /// <summary>10 log₁₀(peak² / MSE) of each picture in dB, (N): the peak is 2, the width of [-1, 1].</summary>
    internal static Tensor Decibels(Tensor originals, Tensor pictures)
    {
        using var scope = NewDisposeScope();
        return (10 * (4 / (originals - pictures).square().mean([1, 2, 3])).log10()).MoveToOuterDisposeScope();
    }

    /// <summary>Mean |∂x| + |∂y| between neighbouring pixels, over all pictures.</summary>
    internal static double Gradient(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        return (pictures.diff(dim: 3).abs().mean() + pictures.diff(dim: 2).abs().mean()).item<float>();
    }
}
