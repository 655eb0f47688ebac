using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using static TorchSharp.torch;

namespace Taiyi;

/// <summary>The pictures of one call, with what is needed to draw them again. Disposing it frees the tensors; the pictures stay.</summary>
/// <param name="Images">B pictures, to be shown or saved: <c>Images[0].Save("狮子.png")</c>; all pictures of the first prompt come first.</param>
/// <param name="ImageTensor">The same pictures as they were decoded, (B, 3, H, W), float32 in [-1, 1] on the CPU.</param>
/// <param name="Latents">Final latents (B, C, H/f, W/f), float32 on the CPU, before the division by the scaling factor.</param>
/// <param name="Prompts">The prompt of each picture, B of them.</param>
/// <param name="Seeds">The seed of each picture, B of them; the 64 bits of <see cref="GenerationOptions.Seed"/>.</param>
/// <param name="TruncatedText">What was cut off each prompt because the text encoder has no room for it; "" where nothing was.</param>
public sealed record GenerationResult(
    IReadOnlyList<Image<Rgb24>> Images,
    Tensor ImageTensor,
    Tensor Latents,
    IReadOnlyList<string> Prompts,
    IReadOnlyList<long> Seeds,
    IReadOnlyList<string> TruncatedText) : IDisposable
{
    /// <summary>
    /// What the text encoder does not see of prompts and negative prompt, a sentence each: characters that the vocabulary lacks, words
    /// that were cut off, a negative prompt without guidance. Tell the user.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The class of the sampler that drew them, such as <c>PNDMScheduler</c>; null if it is not known.</summary>
    public string? Sampler { get; init; }

    /// <summary>The LoRAs that were on the model, with their weights; those switched off are left out.</summary>
    public IReadOnlyList<(string Name, double Weight)> Loras { get; init; } = [];

    /// <summary>The seed of the first picture.</summary>
    public long Seed => Seeds[0];

    /// <inheritdoc/>
    public void Dispose()
    {
        ImageTensor.Dispose();
        Latents.Dispose();
    }
}
