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

    /// <summary>
    /// m of DoRA, (out, 1) where it is the length of each output's row of weights, (1, in) where it is that of each input's column, in
    /// the file's dtype; null for any other LoRA.
    /// </summary>
    public Tensor? Magnitude { get; init; }

    /// <summary>
    /// How the file keeps the update: <c>LoRA</c>, or a kind that was multiplied out to A and B, such as <c>LoHa</c>; <c>DoRA</c>
    /// where there is a <see cref="Magnitude"/>, <c>LoHa, DoRA</c> where there are both.
    /// </summary>
    public string Kind { get; init; } = "LoRA";

    /// <summary>All that the module has.</summary>
    internal IEnumerable<Tensor> Tensors => Magnitude is null ? [Down, Up] : [Down, Up, Magnitude];
}
