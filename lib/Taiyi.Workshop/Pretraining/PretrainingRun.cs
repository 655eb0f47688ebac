using Taiyi.Training;

namespace Taiyi.Workshop.Pretraining;

/// <summary>The folder of one pretraining: what every <see cref="RunFolder"/> holds.</summary>
/// <typeparam name="TOptions">How it trains.</typeparam>
public sealed class PretrainingRun<TOptions> : RunFolder
    where TOptions : PretrainingOptions
{
    internal PretrainingRun(string folder, TOptions options)
        : base(folder) => Options = options;

    /// <summary>How the run trains.</summary>
    public TOptions Options { get; }
}

/// <summary>Begins pretrainings and opens those that were begun.</summary>
public static class PretrainingRun
{
    /// <summary>Begins a run in a new folder.</summary>
    /// <param name="folder">It may exist, but hold no run.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="IOException">There is a run in the folder, or it cannot be written.</exception>
    public static PretrainingRun<T> Create<T>(string folder, T options)
        where T : PretrainingOptions
    {
        RunFolder.Create(folder, options);
        return new(folder, options);
    }

    /// <summary>Opens the run of a folder, to go on with it.</summary>
    /// <param name="folder">A folder that <see cref="Create"/> made.</param>
    /// <param name="steps">Another length of the whole training: its learning rate falls more slowly from here on. Null keeps it.</param>
    /// <exception cref="TrainingException">There is no run, or its options cannot be read.</exception>
    public static PretrainingRun<T> Open<T>(string folder, long? steps = null)
        where T : PretrainingOptions
    {
        T options = RunFolder.ReadOptions<T>(folder);
        if (steps is { } length && length != options.Steps)
        {
            options = options with { Steps = length };
            options.Validate();
            RunFolder.WriteOptions(folder, options);
        }

        return new(folder, options);
    }
}
