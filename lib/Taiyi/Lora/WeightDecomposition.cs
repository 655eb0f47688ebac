using static TorchSharp.torch;

namespace Taiyi.Lora;

/// <summary>
/// DoRA: W' = m V / ‖V‖ with V = W + ΔW, arXiv 2402.09353 eq. (5). Each vector of V has its direction alone; its length is learnt
/// apart, as m. It goes with every <see cref="UpdateKind"/>.
/// </summary>
/// <remarks>
/// The vectors are the rows of V, one an output (peft, tuners/lora/dora.py <c>lora_magnitude_vector</c>), or in LyCORIS' and
/// OneTrainer's files also its columns, one an input (lycoris/modules/locon.py <c>dora_scale</c> with <c>wd_on_out</c> false).
/// </remarks>
internal static class WeightDecomposition
{
    /// <summary>Shorter vectors count as this long, so that a vector of zeros stays one.</summary>
    private const double Shortest = 1e-12;

    /// <summary>Reads m in the file's dtype: (out, 1) for rows, (1, in) for columns; null where the module has none.</summary>
    /// <param name="parts">The module's tensors.</param>
    /// <param name="outputs">out.</param>
    /// <param name="inputs">in.</param>
    /// <exception cref="Files.CheckpointException">The shape is another, or the settings speak of DoRA and the tensor is missing.</exception>
    public static Tensor? ReadMagnitude(ModuleParts parts, long outputs, long inputs)
    {
        if (!parts.Has(LoraKeys.Magnitude) && !parts.MustHaveMagnitude)
        {
            return null;
        }

        Tensor magnitude = parts.Read(LoraKeys.Magnitude);
        // PEFT writes rows as (out), beside a convolution as (1, out, 1, 1), which in LyCORIS' names would be columns.
        bool ofPeft = parts.Key(LoraKeys.Magnitude).Contains(LoraKeys.PeftMagnitude, StringComparison.Ordinal);
        long[] shape = magnitude.shape, ones = [.. shape.Skip(2).Where(side => side != 1)];
        bool rows = shape is [var length, ..] && length == outputs && shape.Skip(1).All(side => side == 1);
        bool columns = shape is [1, var width, ..] && width == (ofPeft ? outputs : inputs) && ones.Length == 0;
        return rows || (columns && ofPeft) ? magnitude.reshape(outputs, 1)
            : columns ? magnitude.reshape(1, inputs)
            : throw parts.Misshapen(LoraKeys.Magnitude, magnitude, ofPeft ? $"{outputs} values, one an output" : $"({outputs}, 1), one an output, or (1, {inputs}), one an input");
    }

    /// <summary>W' of V.</summary>
    /// <param name="magnitude">m, (out, 1) or (1, in), float32.</param>
    /// <param name="weight">V, (out, in) or (out, in, kernel, kernel), float32.</param>
    /// <returns>Of the shape of V, float32.</returns>
    public static Tensor Apply(Tensor magnitude, Tensor weight)
    {
        using var scope = NewDisposeScope();
        bool ofRows = magnitude.shape[1] == 1;
        Tensor vectors = ofRows ? weight : weight.transpose(0, 1);
        Tensor lengths = vectors.flatten(1).square().sum(1).sqrt().clamp_min(Shortest).reshape(magnitude.shape); // (out, 1) or (1, in)
        Tensor factors = (magnitude / lengths).reshape([.. magnitude.shape, .. weight.shape[2..].Select(_ => 1L)]);
        return (weight * factors).MoveToOuterDisposeScope();
    }
}
