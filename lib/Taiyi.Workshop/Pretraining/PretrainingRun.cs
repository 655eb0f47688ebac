using System.Text.Json;
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
    private const string OptionsName = "options.json";

    /// <summary>Begins a run in a new folder.</summary>
    /// <param name="folder">It may exist, but hold no run.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="IOException">There is a run in the folder, or it cannot be written.</exception>
    public static PretrainingRun<T> Create<T>(string folder, T options)
        where T : PretrainingOptions
    {
        options.Validate();
        if (Exists(folder))
        {
            throw new IOException($"'{folder}' holds a training already: go on with it (--resume), or name another folder.");
        }

        return Save(folder, options);
    }

    /// <summary>Whether a folder holds a run.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, OptionsName));

    /// <summary>Opens the run of a folder, to go on with it.</summary>
    /// <param name="folder">A folder that <see cref="Create"/> made.</param>
    /// <param name="steps">Another length of the whole training: its learning rate falls more slowly from here on. Null keeps it.</param>
    /// <exception cref="TrainingException">There is no run, or its options cannot be read.</exception>
    public static PretrainingRun<T> Open<T>(string folder, long? steps = null)
        where T : PretrainingOptions
    {
        string path = Path.Combine(folder, OptionsName);
        if (!File.Exists(path))
        {
            throw new TrainingException($"'{folder}' holds no training to go on with: there is no {OptionsName} in it. Start one without --resume.");
        }

        try
        {
            T options = PretrainingOptions.FromJson<T>(File.ReadAllText(path));
            return steps is { } length && length != options.Steps ? Save(folder, options with { Steps = length }) : new(folder, options);
        }
        catch (JsonException error)
        {
            throw new TrainingException($"'{path}' is not the options of a pretraining ({error.Message}): restore the file, or start a new run in another folder.", error);
        }
    }

    private static PretrainingRun<T> Save<T>(string folder, T options)
        where T : PretrainingOptions
    {
        options.Validate();
        Directory.CreateDirectory(folder);
        RunFolder.WriteText(Path.Combine(folder, OptionsName), options.ToJson());
        return new(folder, options);
    }
}
