using static TorchSharp.torch;

namespace Taiyi;

/// <summary>The pictures of one call, with what is needed to draw them again. Dispose it after use.</summary>
/// <param name="Images">Pictures (B, 3, H, W), float32 in [-1, 1] on the CPU; all pictures of the first prompt come first.</param>
/// <param name="Latents">Final latents (B, C, H/f, W/f), float32 on the CPU, before the division by the scaling factor.</param>
/// <param name="Prompts">The prompt of each picture, B of them.</param>
/// <param name="Seeds">The seed of each picture, B of them.</param>
/// <param name="TruncatedText">What was cut off each prompt because the text encoder has no room for it; "" where nothing was.</param>
public sealed record GenerationResult(
    Tensor Images,
    Tensor Latents,
    IReadOnlyList<string> Prompts,
    IReadOnlyList<long> Seeds,
    IReadOnlyList<string> TruncatedText) : IDisposable
{
    /// <summary>The seed of the first picture.</summary>
    public long Seed => Seeds[0];

    /// <inheritdoc/>
    public void Dispose()
    {
        Images.Dispose();
        Latents.Dispose();
    }
}
