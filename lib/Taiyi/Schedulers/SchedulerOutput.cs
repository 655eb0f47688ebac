using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>What one step of a scheduler returns. The caller owns both tensors.</summary>
/// <param name="PrevSample">The sample one step less noisy, x_{t-1}: the next input of the loop. (B, C, H, W), dtype of the given sample.</param>
/// <param name="PredOriginalSample">The present guess of the noiseless sample, x̂₀, for previews and plots. (B, C, H, W), dtype of the given sample.</param>
public sealed record SchedulerOutput(Tensor PrevSample, Tensor PredOriginalSample);
