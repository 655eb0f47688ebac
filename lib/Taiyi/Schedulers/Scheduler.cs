using static TorchSharp.torch;

namespace Taiyi.Schedulers;

/// <summary>
/// A sampler: it chooses the noise levels that a run visits and turns each prediction of the network into the next sample. It is a
/// value: nothing in it changes, any number of runs may use it at once, and there is nothing to dispose of.
/// </summary>
/// <remarks>
/// The loop, the same for all of them:
/// <code>
/// using SchedulerRun run = scheduler.Begin(50);
/// sample = noise * run.InitNoiseSigma;
/// foreach (double t in run.Timesteps)
///     sample = run.Step(model(run.ScaleModelInput(sample), t), sample).PrevSample;
/// </code>
/// The run holds what changes: where it is, and the predictions that a multistep sampler looks back at. To add a sampler, write
/// <see cref="Plan"/> (or inherit it from the family: <see cref="TimestepScheduler"/>, <see cref="SigmaScheduler"/>,
/// <see cref="LambdaScheduler"/>) and the formula in <see cref="Step"/>; see README.md beside this file.
/// </remarks>
/// <param name="config">The model's settings and the sampler's.</param>
public abstract class Scheduler(SchedulerConfig config)
{
    /// <summary>The short names of all samplers, for help texts; <see cref="Create"/> knows more spellings.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "pndm", "ddim", "ddpm", "euler", "euler_a", "heun", "lms", "dpm2", "dpm2_a", "dpmpp_2m", "dpmpp_2m_karras", "dpmpp_2m_sde", "dpmpp_3m",
        "dpmpp_2s", "deis", "unipc", "lcm", "tcd",
    ];

    /// <summary>Makes a sampler by name.</summary>
    /// <param name="name">
    /// One of <see cref="Names"/>, with <c>_karras</c>, <c>_exponential</c>, <c>_beta</c>, <c>_lu</c> or <c>_ays</c> behind those that walk
    /// along noise levels; names of other programs, such as <c>DPM++ 2M Karras</c>, and classes of diffusers are understood.
    /// </param>
    /// <param name="config">The model's settings; of those that belong to another sampler only the model's own are taken (<see cref="SchedulerConfig.For"/>).</param>
    /// <exception cref="ArgumentException">There is no such name.</exception>
    public static Scheduler Create(string name, SchedulerConfig config) => SamplerName.Parse(name).Kind.Create(config.For(name));

    /// <summary>The sampler that a model's file names, with all its settings; Stable Diffusion's PNDM where it names none.</summary>
    /// <exception cref="Files.CheckpointException">It is not built in, or a setting of it cannot be honoured.</exception>
    public static Scheduler FromConfig(SchedulerConfig config) => config.Unsupported is null
        ? SamplerKind.OfClass(config.ClassName ?? "PNDMScheduler")!.Create(config)
        : throw new Files.CheckpointException(config.Unsupported);

    /// <summary>The settings it was made from.</summary>
    public SchedulerConfig Config { get; } = config;

    /// <summary>The noise schedule that the network was trained with.</summary>
    public NoiseSchedule NoiseSchedule { get; } = new(config);

    /// <summary>Begins a run.</summary>
    /// <param name="numInferenceSteps">Steps from pure noise to the picture, 1 … NumTrainTimesteps.</param>
    /// <param name="strength">
    /// For img2img, in (0, 1]: the share of those steps, rounded down, that is walked; the run's timesteps are then only these last
    /// ones, and the first of them is the noise level to bring the picture to with <see cref="SchedulerRun.AddNoise"/>
    /// (diffusers, StableDiffusionImg2ImgPipeline.get_timesteps). 1 walks all.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A number out of its range, a strength that leaves no step, or a count that this timestep spacing cannot place on the schedule.
    /// </exception>
    public SchedulerRun Begin(int numInferenceSteps, double strength = 1.0)
    {
        TimestepGrid.RequireStepCount(Config, numInferenceSteps);
        return new SchedulerRun(this, Plan(new SamplingSteps(numInferenceSteps)), strength);
    }

    /// <summary>Begins a run at given timesteps, such as <see cref="AlignYourSteps.StableDiffusion15Timesteps"/>.</summary>
    /// <param name="timesteps">Training timesteps, decreasing, 0 … T - 1; one per step.</param>
    /// <param name="strength">As in <see cref="Begin(int, double)"/>.</param>
    /// <exception cref="ArgumentException">They do not decrease, or are not on the schedule.</exception>
    public SchedulerRun BeginAt(IReadOnlyList<double> timesteps, double strength = 1.0) =>
        new(this, Plan(SamplingSteps.At(timesteps, Config.NumTrainTimesteps)), strength);

    /// <summary>Begins a run at given noise levels; samplers that know timesteps alone take the nearest ones.</summary>
    /// <param name="sigmas">σ of each step, decreasing, and last the level that the run ends at, usually 0: one more than steps.</param>
    /// <param name="strength">As in <see cref="Begin(int, double)"/>.</param>
    /// <exception cref="ArgumentException">They do not decrease, or are below 0.</exception>
    public SchedulerRun BeginAtSigmas(IReadOnlyList<double> sigmas, double strength = 1.0) => new(this, Plan(SamplingSteps.AtSigmas(sigmas)), strength);

    /// <summary>Where a run calls the network.</summary>
    /// <param name="steps">What was asked for.</param>
    protected internal abstract SamplingPlan Plan(SamplingSteps steps);

    /// <summary>The formula: from the sample and the network's prediction at one call to the sample at the next.</summary>
    /// <param name="step">The call, its noise levels, and the calls before. Tensors are float32; all that is made here is freed behind the step.</param>
    /// <returns>The next sample, and the guess of x₀ that is shown.</returns>
    protected internal abstract SchedulerOutput Step(SchedulerStep step);

    /// <summary>The quantity that a multistep formula looks back at; x̂₀ if a sampler does not say otherwise.</summary>
    /// <param name="step">The present call.</param>
    protected internal virtual Tensor Prediction(SchedulerStep step) => step.OriginalSample;

    /// <summary>How many earlier calls the formula looks back at.</summary>
    protected internal virtual int Memory => 0;
}
