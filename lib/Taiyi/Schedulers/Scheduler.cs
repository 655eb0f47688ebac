namespace Taiyi.Schedulers;

/// <summary>The samplers by the short names that the command and notebooks use.</summary>
public static class Scheduler
{
    /// <summary>All names that <see cref="Create"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["pndm", "ddim", "ddpm", "euler", "euler_a", "dpmpp_2m", "dpmpp_2m_karras"];

    /// <summary>Makes a sampler for a model; the caller disposes of it.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="config">The model's settings.</param>
    /// <exception cref="ArgumentException">There is no such name.</exception>
    public static IScheduler Create(string name, SchedulerConfig config) => name switch
    {
        "pndm" => new PNDMScheduler(config),
        "ddim" => new DDIMScheduler(config),
        "ddpm" => new DDPMScheduler(config),
        "euler" => new EulerDiscreteScheduler(config),
        "euler_a" => new EulerAncestralDiscreteScheduler(config),
        "dpmpp_2m" => new DPMSolverMultistepScheduler(config),
        "dpmpp_2m_karras" => new DPMSolverMultistepScheduler(config, useKarrasSigmas: true),
        _ => throw new ArgumentException($"There is no scheduler '{name}'; choose one of {string.Join(", ", Names)}.", nameof(name)),
    };
}
