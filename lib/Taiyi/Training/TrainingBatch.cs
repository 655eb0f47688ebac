using static TorchSharp.torch;

namespace Taiyi.Training;

/// <summary>Some pictures with their captions, as the networks encoded them.</summary>
/// <param name="Mean">μ of the VAE's posterior, (B, C, H, W) float32, not scaled.</param>
/// <param name="Deviation">σ of the VAE's posterior, (B, C, H, W) float32, not scaled.</param>
/// <param name="Context">The text encoder's hidden states, (B, L, D).</param>
public sealed record TrainingBatch(Tensor Mean, Tensor Deviation, Tensor Context) : IDisposable
{
    /// <summary>Frees the three tensors.</summary>
    public void Dispose()
    {
        Mean.Dispose();
        Deviation.Dispose();
        Context.Dispose();
    }
}
