using static TorchSharp.torch;

namespace Taiyi;

/// <summary>One step of the denoising loop. Its tensors are disposed when the loop goes on: clone what you keep.</summary>
/// <param name="Index">Index of the step from 0.</param>
/// <param name="Total">Number of steps of the loop. PNDM runs one more than asked for, since its second timestep comes twice.</param>
/// <param name="Timestep">The training timestep t that was denoised, from 0 (clean) to 999 (noise); Euler's may be a fraction.</param>
/// <param name="Latents">x_{t-1}, the sample after the step, (B, C, H/f, W/f).</param>
/// <param name="PredOriginalSample">The prediction of x_0 that the step was made with, (B, C, H/f, W/f).</param>
public sealed record DenoisingStep(int Index, int Total, double Timestep, Tensor Latents, Tensor PredOriginalSample)
{
    /// <summary>Whether the network was not called in this step: what it would have said was forecast (<see cref="GenerationOptions.Forecast"/>).</summary>
    public bool IsForecast { get; init; }
}
