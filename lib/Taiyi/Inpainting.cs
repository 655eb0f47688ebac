using Taiyi.Schedulers;
using static TorchSharp.torch;

namespace Taiyi;

/// <summary>
/// Inpainting with the usual four-channel UNet: after every step the part of the picture that stays is put back into the sample, noised
/// to the level that the step has reached, so that what is drawn anew fits it.
/// </summary>
/// <remarks>
/// Algorithm 1 of Blended Latent Diffusion (arXiv 2206.02779), as diffusers' <c>StableDiffusionInpaintPipeline</c> computes it where the UNet
/// has four input channels. All tensors are float32 on the UNet's device; the caller keeps them.
/// </remarks>
/// <param name="ImageLatents">Scaled latents of the picture, z₀, (B, C, H/f, W/f).</param>
/// <param name="Noise">The unit-variance noise ε that every level is reached with, that of the start, (B, C, H/f, W/f).</param>
/// <param name="LatentMask">m: 1 where it is drawn anew, 0 where the picture stays, (1 or B, 1, H/f, W/f); see <see cref="ToLatentMask"/>.</param>
public sealed record Inpainting(Tensor ImageLatents, Tensor Noise, Tensor LatentMask)
{
    /// <summary>A mask of the picture's size to one of the latents' size: values from 1/2 on count as 1, then the nearest value is taken.</summary>
    /// <param name="mask">(1 or B, 1, H, W) in [0, 1], any floating dtype and device.</param>
    /// <param name="latents">Latents of that picture, (B, C, H/f, W/f).</param>
    /// <returns>0 and 1, (1 or B, 1, H/f, W/f), float32 on the latents' device; the caller owns it.</returns>
    public static Tensor ToLatentMask(Tensor mask, Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor binary = (mask >= 0.5).to(float32).to(latents.device);
        return nn.functional.interpolate(binary, latents.shape[2..]).MoveToOuterDisposeScope();
    }

    /// <summary>The sample with the part that stays put back: m z + (1 - m) (α z₀ + σ ε), at the end m z + (1 - m) z₀.</summary>
    /// <param name="run">The sampler's run after a step.</param>
    /// <param name="sample">z, what the step gave, (B, C, H/f, W/f).</param>
    /// <returns>A new tensor, (B, C, H/f, W/f); the caller owns it.</returns>
    public Tensor PutBack(SchedulerRun run, Tensor sample)
    {
        using var scope = NewDisposeScope();
        Tensor known = run.Taken < run.Timesteps.Count ? run.AddNoise(ImageLatents, Noise, run.Taken) : ImageLatents;
        return (LatentMask * sample + (1 - LatentMask) * known).MoveToOuterDisposeScope();
    }
}
