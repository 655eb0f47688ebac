using static TorchSharp.torch;

namespace Taiyi;

/// <summary>The conditioning of one call, a row for each picture. Dispose it after use: it owns its tensors.</summary>
/// <param name="conditional">Becomes <see cref="Conditional"/>.</param>
/// <param name="unconditional">Becomes <see cref="Unconditional"/>.</param>
/// <param name="truncatedText">Becomes <see cref="TruncatedText"/>.</param>
public sealed class PromptEmbeddings(Tensor conditional, Tensor? unconditional, IReadOnlyList<string> truncatedText) : IDisposable
{
    /// <summary>The text encoder's last hidden state of the prompts, (B, L, D).</summary>
    public Tensor Conditional { get; } = conditional;

    /// <summary>The same of the negative (or empty) prompt, (B, L, D), or null where guidance is off.</summary>
    public Tensor? Unconditional { get; } = unconditional;

    /// <summary>What the UNet attends to: (B, L, D), or with guidance (2B, L, D), the unconditional rows first.</summary>
    public Tensor Context { get; } = unconditional is null ? conditional : cat([unconditional, conditional]).DetachFromDisposeScope();

    /// <summary>What was cut off each prompt, "" where nothing was.</summary>
    public IReadOnlyList<string> TruncatedText { get; } = truncatedText;

    /// <summary>What the text encoder does not see of prompts and negative prompt, a sentence each; tell the user.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <inheritdoc/>
    public void Dispose()
    {
        Conditional.Dispose();
        Unconditional?.Dispose();
        Context.Dispose();
    }
}
