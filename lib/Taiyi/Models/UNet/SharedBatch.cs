using static TorchSharp.torch;

namespace Taiyi.Models;

/// <summary>
/// Guidance asks the UNet for the same latents under two texts. Until the first cross-attention both are one and the same
/// computation, so the batch grows only there: 2.4 % less arithmetic at Taiyi's size.
/// </summary>
internal static class SharedBatch
{
    /// <summary>(B, …) -> (kB, …), the whole batch k times over; the tensor itself where k is 1.</summary>
    public static Tensor RepeatTo(this Tensor rows, long batch)
    {
        long[] repeats = [.. Enumerable.Repeat(1L, (int)rows.dim())];
        repeats[0] = batch / rows.shape[0];
        return repeats[0] == 1 ? rows : rows.repeat(repeats);
    }
}
