namespace Taiyi.Schedulers;

/// <summary>One sampler: its class in diffusers, the names that people call it by, and the settings that its file may have.</summary>
/// <param name="ClassName">As in <c>_class_name</c>.</param>
/// <param name="Names">Short names, the one shown first.</param>
/// <param name="Settings">Fields of <c>scheduler_config.json</c> beside those of the noise schedule.</param>
/// <param name="Create">Makes it.</param>
internal sealed record SamplerKind(string ClassName, string[] Names, string[] Settings, Func<SchedulerConfig, Scheduler> Create)
{
    private static readonly string[] Spacing = ["timestep_spacing", "steps_offset"];
    private static readonly string[] Levels = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"];
    private static readonly string[] Clipping = ["clip_sample", "clip_sample_range"];
    private static readonly string[] Thresholding = ["thresholding", "dynamic_thresholding_ratio", "sample_max_value"];
    private static readonly string[] Solver =
        ["solver_order", "solver_type", "algorithm_type", "lower_order_final", "use_flow_sigmas", "use_dynamic_shifting", .. Levels, .. Thresholding];
    private static readonly string[] Distilled = ["original_inference_steps", "timestep_scaling", "set_alpha_to_one", .. Clipping, .. Thresholding, .. Spacing];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<SamplerKind> All { get; } =
    [
        new("PNDMScheduler", ["pndm", "plms"], [.. Spacing, "skip_prk_steps", "set_alpha_to_one"], c => new PNDMScheduler(c)),
        new("DDIMScheduler", ["ddim"], [.. Spacing, .. Clipping, .. Thresholding, "set_alpha_to_one"], c => new DDIMScheduler(c)),
        new("DDPMScheduler", ["ddpm"], [.. Spacing, .. Clipping, .. Thresholding, "variance_type"], c => new DDPMScheduler(c)),
        new("EulerDiscreteScheduler", ["euler"],
            [.. Spacing, .. Levels, "sigma_min", "sigma_max", "final_sigmas_type", "interpolation_type", "timestep_type"], c => new EulerDiscreteScheduler(c)),
        new("EulerAncestralDiscreteScheduler", ["euler_a", "euler_ancestral"], Spacing, c => new EulerAncestralDiscreteScheduler(c)),
        new("HeunDiscreteScheduler", ["heun"], [.. Spacing, .. Levels, .. Clipping], c => new HeunDiscreteScheduler(c)),
        new("LMSDiscreteScheduler", ["lms"], [.. Spacing, .. Levels], c => new LMSDiscreteScheduler(c)),
        new("KDPM2DiscreteScheduler", ["dpm2", "dpm_2", "k_dpm_2"], [.. Spacing, .. Levels], c => new KDPM2DiscreteScheduler(c)),
        new("KDPM2AncestralDiscreteScheduler", ["dpm2_a", "dpm2_ancestral", "dpm_2_ancestral", "k_dpm_2_ancestral"], [.. Spacing, .. Levels],
            c => new KDPM2AncestralDiscreteScheduler(c)),
        new("DPMSolverMultistepScheduler", ["dpmpp_2m", "dpmpp_2m_sde", "dpmpp_3m", "dpmpp_3m_sde"],
            [.. Solver, .. Spacing, "use_lu_lambdas", "euler_at_final", "final_sigmas_type", "lambda_min_clipped", "variance_type"], c => new DPMSolverMultistepScheduler(c)),
        new("DPMSolverSinglestepScheduler", ["dpmpp_2s", "dpmpp_2s_sde", "dpmpp_3s"], [.. Solver, "final_sigmas_type", "lambda_min_clipped", "variance_type"],
            c => new DPMSolverSinglestepScheduler(c)),
        new("DEISMultistepScheduler", ["deis"], [.. Solver, .. Spacing], c => new DEISMultistepScheduler(c)),
        new("UniPCMultistepScheduler", ["unipc", "uni_pc", "uni_pc_bh2"],
            [.. Solver, .. Spacing, "final_sigmas_type", "sigma_min", "sigma_max", "predict_x0", "disable_corrector", "solver_p"], c => new UniPCMultistepScheduler(c)),
        new("LCMScheduler", ["lcm"], Distilled, c => new LCMScheduler(c)),
        new("TCDScheduler", ["tcd"], Distilled, c => new TCDScheduler(c)),
    ];

    /// <summary>The largest order of this solver.</summary>
    public int MaxOrder => ClassName == "UniPCMultistepScheduler" ? 4 : 3;

    /// <summary>Whether it walks along noise levels that can be chosen.</summary>
    public bool HasLevels => Settings.Contains("use_karras_sigmas") || ClassName == "EulerAncestralDiscreteScheduler";

    /// <summary>The sampler of a class in diffusers, or null.</summary>
    public static SamplerKind? OfClass(string className) => All.FirstOrDefault(kind => kind.ClassName == className);
}
