namespace Taiyi.Schedulers;

/// <summary>
/// What a user calls a sampler, such as <c>dpmpp_2m_sde_karras</c>: a short name and, if it walks along noise levels, where these lie.
/// Also understood are the names of other programs (<c>DPM++ 2M Karras</c>, <c>Euler a</c>, <c>uni_pc</c>) and diffusers' classes.
/// </summary>
/// <param name="Kind">The sampler.</param>
/// <param name="Name">The short name that was meant.</param>
/// <param name="Levels">Where the levels lie; null if the name does not say.</param>
internal sealed record SamplerName(SamplerKind Kind, string Name, SigmaSchedule? Levels)
{
    private static readonly (string Suffix, SigmaSchedule Levels)[] Suffixes =
    [
        ("_karras", SigmaSchedule.Karras), ("_exponential", SigmaSchedule.Exponential), ("_beta", SigmaSchedule.Beta), ("_lu", SigmaSchedule.Lu),
        ("_ays", SigmaSchedule.AlignYourSteps),
    ];

    /// <summary>Reads a name.</summary>
    /// <exception cref="ArgumentException">There is no such sampler, or it has no levels to be placed.</exception>
    public static SamplerName Parse(string name)
    {
        string plain = name.Trim().ToLowerInvariant().Replace("++", "pp", StringComparison.Ordinal).Replace(' ', '_').Replace('-', '_');
        (string Suffix, SigmaSchedule Levels) found = Suffixes.FirstOrDefault(s => plain.EndsWith(s.Suffix, StringComparison.Ordinal));
        string stem = found.Suffix is null ? plain : plain[..^found.Suffix.Length];
        SamplerKind? kind = SamplerKind.All.FirstOrDefault(k => k.Names.Contains(stem) || k.ClassName.Equals(stem, StringComparison.OrdinalIgnoreCase));
        if (kind is null)
        {
            throw new ArgumentException($"There is no scheduler '{name}'; choose one of {string.Join(", ", Scheduler.Names)}. Those that walk along noise levels take _karras, _exponential, _beta, _lu or _ays behind the name.");
        }

        return found.Suffix is null || kind.HasLevels
            ? new SamplerName(kind, stem, found.Suffix is null ? null : found.Levels)
            : throw new ArgumentException($"The scheduler '{stem}' has no noise levels to be placed: write {stem} without {found.Suffix}.");
    }

    /// <summary>The settings with what the name says.</summary>
    public SchedulerConfig Apply(SchedulerConfig config)
    {
        config = Levels is { } levels ? config with { Sigmas = levels } : config;
        return Name switch
        {
            "dpmpp_2m" or "dpmpp_2s" => config with { SolverOrder = 2, AlgorithmType = AlgorithmType.DpmSolverPlusPlus },
            "dpmpp_2m_sde" or "dpmpp_2s_sde" => config with { SolverOrder = 2, AlgorithmType = AlgorithmType.SdeDpmSolverPlusPlus },
            "dpmpp_3m" or "dpmpp_3s" => config with { SolverOrder = 3, AlgorithmType = AlgorithmType.DpmSolverPlusPlus },
            "dpmpp_3m_sde" => config with { SolverOrder = 3, AlgorithmType = AlgorithmType.SdeDpmSolverPlusPlus },
            "uni_pc" => config with { SolverType = SolverType.Bh1 }, // ComfyUI's names: uni_pc is B(h) = h, uni_pc_bh2 e^h - 1
            "uni_pc_bh2" => config with { SolverType = SolverType.Bh2 },
            _ => config,
        };
    }
}
