namespace Taiyi.Lora;

/// <summary>Size and place of a LoRA adapter; the defaults are those of the Taiyi style trainings.</summary>
public sealed record LoraConfig
{
    /// <summary>The attention projections of the UNet: every <c>attn1</c> and <c>attn2</c> has these four.</summary>
    public static IReadOnlyList<string> AttentionProjections { get; } = ["to_k", "to_q", "to_v", "to_out.0"];

    /// <summary>r: the rank of the update B A, at least 1.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>α: the update is multiplied by α / r. A finite number.</summary>
    public double Alpha { get; init; } = 16;

    /// <summary>Probability in [0, 1) with which an input value of A is zeroed; in training only.</summary>
    public double Dropout { get; init; } = 0.1;

    /// <summary>Ends of module paths, in whole parts: <c>to_q</c> fits <c>…attn1.to_q</c>, not <c>…add_to_q</c>.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = AttentionProjections;

    /// <summary>Whether a module path, such as <c>mid_block.attentions.0.transformer_blocks.0.attn1.to_q</c>, is a target.</summary>
    public bool Matches(string path) => TargetModules.Any(target => path == target || path.EndsWith("." + target, StringComparison.Ordinal));

    /// <summary>Throws if a value is out of its range.</summary>
    /// <exception cref="ArgumentException">The message names the value and its range.</exception>
    public void Validate()
    {
        if (Rank < 1)
        {
            throw new ArgumentException($"LoRA rank is {Rank}; use 1 or more (8 is usual).");
        }

        if (!double.IsFinite(Alpha))
        {
            throw new ArgumentException($"LoRA alpha is {Alpha}; use a finite number (twice the rank is usual).");
        }

        if (Dropout is not (>= 0 and < 1))
        {
            throw new ArgumentException($"LoRA dropout is {Dropout}; use a probability from 0 to below 1.");
        }

        if (TargetModules.Count == 0)
        {
            throw new ArgumentException($"LoRA has no target modules; name ends of module paths, such as {string.Join(", ", AttentionProjections)}.");
        }
    }
}
