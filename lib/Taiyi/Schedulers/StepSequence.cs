namespace Taiyi.Schedulers;

/// <summary>The timesteps of one run and the place of the loop in them.</summary>
/// <remarks>Steps are counted, not looked up by timestep: PNDM's list holds one timestep twice, and Euler's are fractions.</remarks>
internal sealed class StepSequence
{
    private double[] _all = [];
    private int _begin;
    private int _taken;

    /// <summary>The timesteps that this run walks.</summary>
    public IReadOnlyList<double> Timesteps { get; private set; } = [];

    /// <summary>Steps of this run that are done.</summary>
    public int Taken => _taken;

    /// <summary>Starts a run.</summary>
    /// <param name="timesteps">All timesteps from pure noise on, falling.</param>
    /// <param name="numInferenceSteps">The number of steps asked for; PNDM's list is one longer.</param>
    /// <param name="strength">The share of steps to walk, (0, 1].</param>
    public void Start(double[] timesteps, int numInferenceSteps, double strength)
    {
        if (!(strength > 0 && strength <= 1))
        {
            throw new ArgumentOutOfRangeException(nameof(strength), strength,
                "The strength is above 0 (keep the picture) and at most 1 (start from pure noise).");
        }

        // StableDiffusionImg2ImgPipeline.get_timesteps. PNDM's repeated timestep counts as one to be skipped, as there.
        int walked = (int)(numInferenceSteps * strength);
        if (walked == 0)
        {
            throw new ArgumentOutOfRangeException(nameof(strength), strength,
                $"{numInferenceSteps} steps at strength {strength} leave none to walk: the strength is at least {1.0 / numInferenceSteps:0.###}, or take more steps.");
        }

        (_all, _begin, _taken) = (timesteps, numInferenceSteps - walked, 0);
        Timesteps = Array.AsReadOnly(timesteps[_begin..]);
    }

    /// <summary>The index, in the whole list, of the coming step, which must be at the given timestep.</summary>
    public int Coming(double timestep)
    {
        if (Timesteps.Count == 0)
        {
            throw new InvalidOperationException("The scheduler has no timesteps: call SetTimesteps(n) first.");
        }

        if (_taken == Timesteps.Count)
        {
            throw new InvalidOperationException($"All {Timesteps.Count} steps of this run were taken: call SetTimesteps(n) to start another.");
        }

        return Timesteps[_taken] == timestep
            ? _begin + _taken
            : throw new ArgumentException(
                $"Timestep {timestep} is not the coming one: step {_taken + 1} of {Timesteps.Count} is at {Timesteps[_taken]}. "
                + "Pass the elements of Timesteps in their order.", nameof(timestep));
    }

    /// <summary>The index, in the whole list, of a timestep of this run.</summary>
    public int IndexOf(double timestep)
    {
        if (Timesteps.Count == 0)
        {
            throw new InvalidOperationException("The scheduler has no timesteps: call SetTimesteps(n) first.");
        }

        int index = Array.IndexOf(_all, timestep, _begin);
        return index >= 0
            ? index
            : throw new ArgumentException($"Timestep {timestep} is not in the list of this run: {string.Join(", ", Timesteps)}.", nameof(timestep));
    }

    /// <summary>Marks the coming step as done.</summary>
    public void Advance() => _taken++;
}
