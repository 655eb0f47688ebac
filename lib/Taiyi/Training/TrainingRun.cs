using System.Globalization;
using Taiyi.Lora;

namespace Taiyi.Training;

/// <summary>
/// The folder of one LoRA training: what every <see cref="RunFolder"/> holds, <c>encoded.safetensors</c> with the encoded data,
/// and at the end <c>pytorch_lora_weights.safetensors</c>.
/// </summary>
public sealed class TrainingRun : RunFolder
{
    private TrainingRun(string folder, LoraTrainingOptions options)
        : base(folder) => Options = options;

    /// <summary>How the run trains.</summary>
    public LoraTrainingOptions Options { get; }

    /// <summary>The encoded data.</summary>
    public string EncodedDataPath => Path.Combine(Folder, "encoded.safetensors");

    /// <summary>The finished LoRA.</summary>
    public string LoraPath => Path.Combine(Folder, LoraFile.DefaultFileName);

    /// <summary>Begins a run in a new folder.</summary>
    /// <param name="folder">It may exist, but hold no run.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="IOException">There is a run or a LoRA in the folder, or it cannot be written.</exception>
    public static TrainingRun Create(string folder, LoraTrainingOptions options)
    {
        TrainingRun run = new(folder, options);
        if (!Exists(folder) && File.Exists(run.LoraPath))
        {
            throw new IOException($"'{folder}' holds a LoRA already ({LoraFile.DefaultFileName}), which the training would replace: name another folder.");
        }

        RunFolder.Create(folder, options);
        return run;
    }

    /// <summary>
    /// Begins a run in a folder that may hold an earlier one, as a notebook does whose cell is run again: an earlier run of the
    /// same options is deleted, any other is kept, its folder renamed to the first free of NAME-1, NAME-2, …
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the earlier run is untouched.</exception>
    public static TrainingRun CreateAgain(string folder, LoraTrainingOptions options)
    {
        options.Validate();
        if (Exists(folder) && ReadOptions<LoraTrainingOptions>(folder).ToJson() == options.ToJson())
        {
            Directory.Delete(folder, recursive: true);
        }
        else if (Exists(folder))
        {
            string Kept(int number) => string.Create(CultureInfo.InvariantCulture, $"{Path.TrimEndingDirectorySeparator(folder)}-{number}");
            Directory.Move(folder, Kept(Enumerable.Range(1, int.MaxValue).First(number => !Path.Exists(Kept(number)))));
        }

        return Create(folder, options);
    }

    /// <summary>The run that process 0 of a training has created or opened, in another of its processes: nothing is read or written.</summary>
    /// <param name="folder">The folder, which this process need not see.</param>
    /// <param name="options">As process 0 has them.</param>
    public static TrainingRun Join(string folder, LoraTrainingOptions options) => new(folder, options);

    /// <summary>Opens the run of a folder, to go on with it.</summary>
    /// <param name="folder">A folder that <see cref="Create"/> made.</param>
    /// <exception cref="TrainingException">There is no run, or its options cannot be read.</exception>
    public static TrainingRun Open(string folder) => new(folder, ReadOptions<LoraTrainingOptions>(folder));
}
