using System.Globalization;
using System.Text;
using System.Text.Json;
using Taiyi.Files;

namespace Taiyi.Training;

/// <summary>
/// The folder of one training: <c>options.json</c>, <c>log.jsonl</c> with a line a step, <c>samples/</c> and <c>checkpoints/</c>.
/// </summary>
/// <param name="folder">It need not exist yet.</param>
public abstract class RunFolder(string folder)
{
    private const string CheckpointPrefix = "step-";

    private static readonly JsonSerializerOptions LogJson = new(JsonSerializerDefaults.Web);

    private const string OptionsName = "options.json", LockName = "run.lock";

    /// <summary>The folder.</summary>
    public string Folder { get; } = folder;

    /// <summary>One JSON object a line, a <see cref="TrainingProgress"/> each.</summary>
    public string LogPath => Path.Combine(Folder, "log.jsonl");

    /// <summary>Pictures that were drawn after some steps.</summary>
    public string SamplesFolder => Path.Combine(Folder, "samples");

    /// <summary>Checkpoints, a folder each.</summary>
    public string CheckpointsFolder => Path.Combine(Folder, "checkpoints");

    /// <summary>Folders of the whole checkpoints, the oldest first.</summary>
    public IReadOnlyList<string> Checkpoints => Directory.Exists(CheckpointsFolder)
        ? [.. Directory.GetDirectories(CheckpointsFolder, CheckpointPrefix + "*").Where(IsWhole).Order(StringComparer.Ordinal)]
        : [];

    /// <summary>The newest whole checkpoint, or null before the first.</summary>
    public string? LatestCheckpoint => Checkpoints is [.., string newest] ? newest : null;

    /// <summary>Where the checkpoint of a step lies, or will lie.</summary>
    /// <param name="step">Optimizer steps taken.</param>
    public string CheckpointPath(long step) => Path.Combine(CheckpointsFolder, NameOf(step));

    /// <summary>Where the pictures of a step lie, or will lie.</summary>
    /// <param name="step">Optimizer steps taken.</param>
    public string SamplePath(long step) => Path.Combine(SamplesFolder, NameOf(step) + ".png");

    /// <summary>Whether a folder holds a run.</summary>
    public static bool Exists(string folder) => File.Exists(Path.Combine(folder, OptionsName));

    /// <summary>Writes the options of a new run.</summary>
    /// <param name="folder">It may exist, but hold no run.</param>
    /// <param name="options">How to train.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="IOException">There is a run in the folder, or it cannot be written.</exception>
    internal static void Create(string folder, TrainingOptions options)
    {
        options.Validate();
        if (Exists(folder))
        {
            throw new IOException($"'{folder}' holds a training already: go on with it (--resume), or name another folder.");
        }

        WriteOptions(folder, options);
    }

    /// <summary>Replaces the options of a run.</summary>
    internal static void WriteOptions(string folder, TrainingOptions options) => AtomicWrite.Text(Path.Combine(folder, OptionsName), options.ToJson());

    /// <summary>Reads the options of a run.</summary>
    /// <typeparam name="T">The kind of training.</typeparam>
    /// <exception cref="TrainingException">There is no run, or its options cannot be read.</exception>
    internal static T ReadOptions<T>(string folder)
        where T : TrainingOptions
    {
        string path = Path.Combine(folder, OptionsName);
        if (!File.Exists(path))
        {
            throw new TrainingException($"'{folder}' holds no training to go on with: there is no {OptionsName} in it. Start one without --resume.");
        }

        try
        {
            return TrainingOptions.FromJson<T>(TextFile.Read(path));
        }
        catch (Exception error) when (error is JsonException or InvalidDataException)
        {
            throw new TrainingException($"'{path}' is not the options of such a training ({error.Message}): restore the file, or start a new run in another folder.", error);
        }
    }

    /// <summary>Keeps other processes from training in the folder until the returned stream is disposed or this process ends, however it ends.</summary>
    /// <exception cref="TrainingException">Another process trains in it.</exception>
    internal FileStream Lock()
    {
        Directory.CreateDirectory(Folder);
        try
        {
            return new FileStream(Path.Combine(Folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException))
        {
            throw new TrainingException($"Another process trains in '{Folder}': wait until it ends, or name another folder.", error);
        }
    }

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

        AtomicWrite.Text(LogPath, kept.ToString());
    }

    /// <summary>
    /// Writes the checkpoint of a step beside the earlier ones. It appears under its name only when it is complete; if it is
    /// there already, it is left: of the same step, hence of the same bits.
    /// </summary>
    /// <param name="step">Optimizer steps taken.</param>
    /// <param name="write">Writes the files into the folder that it is given.</param>
    /// <exception cref="IOException">The disk is full or the folder unwritable; every earlier checkpoint is as it was.</exception>
    internal void WriteCheckpoint(long step, Action<string> write)
    {
        string path = CheckpointPath(step);
        if (Directory.Exists(path))
        {
            return;
        }

        AtomicWrite.Folder(path, write);
    }

    /// <summary>Deletes the oldest checkpoints beyond the number that is kept, and what a killed process left half written.</summary>
    internal void PruneCheckpoints(int keep)
    {
        foreach (string old in Checkpoints.SkipLast(keep).Concat(Directory.GetDirectories(CheckpointsFolder, "*" + AtomicWrite.TemporaryEnding)))
        {
            Directory.Delete(old, recursive: true);
        }
    }

    private static string NameOf(long step) => string.Create(CultureInfo.InvariantCulture, $"{CheckpointPrefix}{step:D8}");

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
