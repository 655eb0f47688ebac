using static TorchSharp.torch;

namespace Taiyi;

/// <summary>The conditioning of one call, a row for each picture. Dispose it after use.</summary>
/// <param name="Conditional">The text encoder's last hidden state of the prompts, (B, L, D).</param>
/// <param name="Unconditional">The same of the negative (or empty) prompt, (B, L, D), or null where guidance is off.</param>
/// <param name="TruncatedText">What was cut off each prompt, "" where nothing was.</param>
public sealed record PromptEmbeddings(Tensor Conditional, Tensor? Unconditional, IReadOnlyList<string> TruncatedText) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Conditional.Dispose();
        Unconditional?.Dispose();
    }
}
