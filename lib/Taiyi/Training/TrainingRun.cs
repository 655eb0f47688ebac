using System.Globalization;
using System.Text;
using System.Text.Json;
using Taiyi.Lora;

namespace Taiyi.Training;

/// <summary>
/// The folder of one training: <c>options.json</c>, <c>log.jsonl</c> with a line a step, <c>samples/</c>, <c>checkpoints/</c>,
/// <c>encoded.safetensors</c> with the encoded data, and at the end <c>pytorch_lora_weights.safetensors</c>.
/// </summary>
public sealed class TrainingRun
{
    private const string OptionsName = "options.json";
    private const string CheckpointPrefix = "step-";

    private static readonly JsonSerializerOptions LogJson = new(JsonSerializerDefaults.Web);

    private TrainingRun(string folder, LoraTrainingOptions options)
    {
        Folder = folder;
        Options = options;
    }

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>How the run trains.</summary>
    public LoraTrainingOptions Options { get; }

    /// <summary>One JSON object a line, a <see cref="TrainingProgress"/> each.</summary>
    public string LogPath => Path.Combine(Folder, "log.jsonl");

    /// <summary>Pictures of the sample prompts after some steps.</summary>
    public string SamplesFolder => Path.Combine(Folder, "samples");

    /// <summary>Checkpoints, a folder each.</summary>
    public string CheckpointsFolder => Path.Combine(Folder, "checkpoints");

    /// <summary>The encoded data.</summary>
    public string EncodedDataPath => Path.Combine(Folder, "encoded.safetensors");

    /// <summary>The finished LoRA.</summary>
    public string LoraPath => Path.Combine(Folder, LoraFile.DefaultFileName);

    /// <summary>Folders of the whole checkpoints, the oldest first.</summary>
    public IReadOnlyList<string> Checkpoints => Directory.Exists(CheckpointsFolder)
        ? [.. Directory.GetDirectories(CheckpointsFolder, CheckpointPrefix + "*").Where(IsWhole).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>The newest whole checkpoint, or null before the first.</summary>
    public string? LatestCheckpoint => Checkpoints is [.., string newest] ? newest : null;

    /// <summary>Begins a run in a new folder.</summary>
    /// <param name="folder">It may exist, but hold no run.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="IOException">There is a run in the folder, or it cannot be written.</exception>
    public static TrainingRun Create(string folder, LoraTrainingOptions options)
    {
        options.Validate();
        string path = Path.Combine(folder, OptionsName);
        if (File.Exists(path))
        {
            throw new IOException($"'{folder}' holds a training already: go on with it (--resume), or name another folder.");
        }

        Directory.CreateDirectory(folder);
        WriteText(path, options.ToJson());
        return new TrainingRun(folder, options);
    }

    /// <summary>Opens the run of a folder, to go on with it.</summary>
    /// <param name="folder">A folder that <see cref="Create"/> made.</param>
    /// <exception cref="TrainingException">There is no run, or its options cannot be read.</exception>
    public static TrainingRun Open(string folder)
    {
        string path = Path.Combine(folder, OptionsName);
        if (!File.Exists(path))
        {
            throw new TrainingException($"'{folder}' holds no training to go on with: there is no {OptionsName} in it. Start one without --resume.");
        }

        try
        {
            return new TrainingRun(folder, LoraTrainingOptions.FromJson(File.ReadAllText(path)));
        }
        catch (JsonException error)
        {
            throw new TrainingException($"'{path}' is not the options of a training ({error.Message}): restore the file, or start a new run in another folder.", error);
        }
    }

    /// <summary>Where the checkpoint of a step lies, or will lie.</summary>
    /// <param name="step">Optimizer steps taken.</param>
    public string CheckpointPath(long step) => Path.Combine(CheckpointsFolder, string.Create(CultureInfo.InvariantCulture, $"{CheckpointPrefix}{step:D8}"));

    /// <summary>Adds a line to the log.</summary>
    public void Log(TrainingProgress progress) => File.AppendAllText(LogPath, JsonSerializer.Serialize(progress, LogJson) + "\n");

    /// <summary>The log so far.</summary>
    public IReadOnlyList<TrainingProgress> ReadLog() => File.Exists(LogPath)
        ? [.. File.ReadLines(LogPath).Select(ParseLine).OfType<TrainingProgress>()]
        : [];

    /// <summary>Drops the lines after a step, which a resumed run will write again, and a last line that was cut off.</summary>
    internal void TruncateLog(long step)
    {
        StringBuilder kept = new();
        foreach (TrainingProgress line in ReadLog().Where(line => line.Step <= step))
        {
            kept.Append(JsonSerializer.Serialize(line, LogJson)).Append('\n');
        }

        WriteText(LogPath, kept.ToString());
    }

    /// <summary>Deletes the oldest checkpoints beyond the number that is kept, and what a killed process left half written.</summary>
    internal void PruneCheckpoints()
    {
        foreach (string old in Checkpoints.SkipLast(Options.KeepCheckpoints).Concat(Directory.GetDirectories(CheckpointsFolder, "*.tmp")))
        {
            Directory.Delete(old, recursive: true);
        }
    }

    /// <summary>Writes a text file; the old one stays whole until the new one is.</summary>
    internal static void WriteText(string path, string text)
    {
        string temporary = path + ".tmp";
        File.WriteAllText(temporary, text);
        File.Move(temporary, path, overwrite: true);
    }

    // A checkpoint is written under another name and renamed: one under its own name is whole.
    private static bool IsWhole(string path) => long.TryParse(Path.GetFileName(path)[CheckpointPrefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out _);

    private static TrainingProgress? ParseLine(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainingProgress>(line, LogJson);
        }
        catch (JsonException)
        {
            return null; // the process was killed while it wrote this line
        }
    }
}
