using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// A sampler: it chooses the noise levels that a run visits and turns each prediction of the network into the next sample.
/// </summary>
/// <remarks>
/// The loop, the same for all of them:
/// <code>
/// scheduler.SetTimesteps(50);
/// sample = noise * scheduler.InitNoiseSigma;
/// foreach (double t in scheduler.Timesteps)
///     sample = scheduler.Step(model(scheduler.ScaleModelInput(sample, t), t), t, sample).PrevSample;
/// </code>
/// A scheduler remembers where it is in <see cref="Timesteps"/> (PNDM visits one of them twice, and the multistep methods keep
/// earlier predictions): one instance serves one loop at a time, and <see cref="SetTimesteps"/> starts it anew.
/// </remarks>
public interface IScheduler : IDisposable
{
    /// <summary>The settings it was made from.</summary>
    SchedulerConfig Config { get; }

    /// <summary>The noise schedule that the network was trained with.</summary>
    NoiseSchedule NoiseSchedule { get; }

    /// <summary>
    /// The timesteps of this run in the order of the loop, from noisy to clean, as training indices 0 … NumTrainTimesteps - 1
    /// (fractions between them for the Euler samplers). Empty before <see cref="SetTimesteps"/>.
    /// </summary>
    IReadOnlyList<double> Timesteps { get; }

    /// <summary>The standard deviation that the first sample of a run from pure noise must have.</summary>
    /// <exception cref="InvalidOperationException">It depends on the timesteps and <see cref="SetTimesteps"/> was not called.</exception>
    double InitNoiseSigma { get; }

    /// <summary>Chooses the timesteps of a run and forgets the one before.</summary>
    /// <param name="numInferenceSteps">Steps from pure noise to the picture, 1 … NumTrainTimesteps.</param>
    /// <param name="strength">
    /// For img2img, in (0, 1]: the share of those steps, rounded down, that is walked; <see cref="Timesteps"/> then holds only
    /// these last ones, and the first of them is the noise level to bring the picture to with <see cref="AddNoise"/>
    /// (diffusers, StableDiffusionImg2ImgPipeline.get_timesteps). 1 walks all.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A number out of its range, a strength that leaves no step, or a count that this timestep spacing cannot place on the schedule.
    /// </exception>
    void SetTimesteps(int numInferenceSteps, double strength = 1.0);

    /// <summary>Scales a sample to what the network expects as its input at the coming step; a new tensor, owned by the caller.</summary>
    /// <param name="sample">The present sample, (B, C, H, W); B may be doubled for classifier-free guidance.</param>
    /// <param name="timestep">The coming element of <see cref="Timesteps"/>.</param>
    /// <exception cref="InvalidOperationException">No timesteps are set, or all of them were walked.</exception>
    /// <exception cref="ArgumentException">The timestep is not the coming one.</exception>
    Tensor ScaleModelInput(Tensor sample, double timestep);

    /// <summary>Goes from the sample at a timestep to the sample at the next, less noisy one.</summary>
    /// <param name="modelOutput">The network's prediction, (B, C, H, W).</param>
    /// <param name="timestep">The coming element of <see cref="Timesteps"/>.</param>
    /// <param name="sample">The sample that the prediction was made for, before <see cref="ScaleModelInput"/>, (B, C, H, W).</param>
    /// <param name="generators">
    /// Where stochastic samplers draw their noise, one generator a picture, so that picture i of a batch equals that of its seed
    /// alone; null draws from torch's global generator.
    /// </param>
    /// <param name="noise">The noise itself, (B, C, H, W), in place of a draw.</param>
    /// <returns>The next sample and the guess of the noiseless one. Computed in float32, returned in the sample's dtype.</returns>
    /// <exception cref="InvalidOperationException">No timesteps are set, or all of them were walked.</exception>
    /// <exception cref="ArgumentException">The timestep is not the coming one, or the shapes or the number of generators do not fit.</exception>
    SchedulerOutput Step(Tensor modelOutput, double timestep, Tensor sample, IReadOnlyList<Generator>? generators = null, Tensor? noise = null);

    /// <summary>Brings noiseless samples to the noise level of a timestep, in this sampler's own scale of samples; the caller owns the result.</summary>
    /// <param name="originalSamples">x₀, (B, C, H, W); latents are already multiplied by the scaling factor.</param>
    /// <param name="noise">Unit Gaussian noise, (B, C, H, W).</param>
    /// <param name="timestep">An element of <see cref="Timesteps"/>.</param>
    Tensor AddNoise(Tensor originalSamples, Tensor noise, double timestep);
}
