using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>One module's part of a LoRA file.</summary>
/// <param name="Down">A: (r, in), or (r, in, kernel, kernel) for a convolution; the file's dtype.</param>
/// <param name="Up">B: (out, r), or (out, r, 1, 1); the file's dtype.</param>
/// <param name="Alpha">α of the module; equal to r where the file gives none.</param>
/// <param name="DownKey">The file's own name of A, for messages.</param>
/// <param name="UpKey">The file's own name of B.</param>
public sealed record LoraMatrices(Tensor Down, Tensor Up, double Alpha, string DownKey, string UpKey)
{
    /// <summary>r.</summary>
    public long Rank => Down.shape[0];

    /// <summary>How the file keeps the update: <c>LoRA</c>, or a kind that was multiplied out to A and B, such as <c>LoHa</c>.</summary>
    public string Kind { get; init; } = "LoRA";
}
