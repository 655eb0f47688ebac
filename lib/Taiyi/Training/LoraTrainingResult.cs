namespace Taiyi.Training;

/// <summary>What a training left.</summary>
/// <param name="LoraPath">The LoRA, a safetensors file in diffusers' form.</param>
/// <param name="ContactSheet">A picture of the sample prompts, the base above the LoRA, on the same seeds; null without sample prompts.</param>
/// <param name="Steps">Optimizer steps taken.</param>
/// <param name="RelativeChange">How far the weights moved: ‖ΔW‖ / ‖W‖, Frobenius norms over all target modules together.</param>
public sealed record LoraTrainingResult(string LoraPath, string? ContactSheet, long Steps, double RelativeChange);
