using System.Text.Encodings.Web;
using System.Text.Json;
using Taiyi.Files;

namespace Taiyi.Batches;

/// <summary>A picture of a batch: a line of its manifest.</summary>
/// <param name="File">Name of the picture in the folder.</param>
/// <param name="Line">Line of the prompt in its file.</param>
/// <param name="Prompt">The prompt with its style words.</param>
/// <param name="NegativePrompt">What it should not show.</param>
/// <param name="Seed">Its own seed.</param>
/// <param name="Steps">Denoising steps.</param>
/// <param name="GuidanceScale">Guidance scale.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Key">What the picture follows from, see <see cref="PictureKeys"/>: equal keys mean equal pictures.</param>
public sealed record ManifestPicture(
    string File, int Line, string Prompt, string NegativePrompt, ulong Seed, int Steps, double GuidanceScale, int Width, int Height, string Key)
{
    private static readonly JsonSerializerOptions Json = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // prompts stay readable
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>The picture as one line of JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Reads what <see cref="ToJson"/> wrote; null if it is anything else, such as the beginning of a line.</summary>
    public static ManifestPicture? FromJson(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<ManifestPicture>(line, Json) is { File: not null, Key: not null } picture ? picture : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>
/// What was drawn into a folder: <c>manifest.jsonl</c>, a line a picture, or <c>manifest-2-of-8.jsonl</c> of a process that draws one of
/// several shares. Each process writes a file of its own, since lines of two machines in one file on a network disk may destroy each other;
/// all of them are read.
/// </summary>
public sealed class PictureManifest : IDisposable
{
    private readonly string _folder;
    private readonly FileStream _lock;
    private readonly Dictionary<string, string> _files; // by key
    private readonly HashSet<string> _recorded;         // keys with a line

    private PictureManifest(string folder, string path, FileStream ownLock, Dictionary<string, string> files, HashSet<string> recorded) =>
        (_folder, Path, _lock, _files, _recorded) = (folder, path, ownLock, files, recorded);

    /// <summary>The file that this process writes.</summary>
    public string Path { get; }

    /// <summary>Opens the manifest of one share, and reads those of all.</summary>
    /// <param name="folder">The folder of the pictures, which is there.</param>
    /// <param name="shard">The share that this process draws.</param>
    /// <exception cref="IOException">Another process draws this share, or the folder cannot be written.</exception>
    public static PictureManifest Open(string folder, Shard shard)
    {
        string name = shard.Count == 1 ? "manifest" : FormattableString.Invariant($"manifest-{shard.Index + 1}-of-{shard.Count}");
        string path = System.IO.Path.Combine(folder, name + ".jsonl");
        FileStream ownLock = Lock(System.IO.Path.Combine(folder, $".{name}.lock"), folder, shard);
        try
        {
            CloseLastLine(path);
            IEnumerable<string> recorded = Directory.GetFiles(folder, "manifest*.jsonl")
                .SelectMany(ReadLines).Select(ManifestPicture.FromJson).OfType<ManifestPicture>().Select(picture => picture.Key);
            return new PictureManifest(folder, path, ownLock, PicturesIn(folder), [.. recorded]);
        }
        catch
        {
            ownLock.Dispose();
            throw;
        }
    }

    /// <summary>Whether a picture is in the folder, whichever line its prompt stood in; one that a killed process left without a line gets it.</summary>
    public bool Has(ManifestPicture picture)
    {
        if (!_files.TryGetValue(picture.Key, out string? file) && File.Exists(System.IO.Path.Combine(_folder, picture.File)))
        {
            file = picture.File; // another process has drawn it meanwhile
        }

        if (file is not null && !_recorded.Contains(picture.Key))
        {
            Add(picture with { File = file });
        }

        return file is not null;
    }

    /// <summary>Adds the line of a picture that is written.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public void Add(ManifestPicture picture)
    {
        File.AppendAllText(Path, picture.ToJson() + "\n");
        _recorded.Add(picture.Key);
        _files[picture.Key] = picture.File;
    }

    /// <summary>Lets another process draw this share.</summary>
    public void Dispose() => _lock.Dispose();

    // A picture that a user has deleted, or given another name, is not there: it is drawn again.
    private static Dictionary<string, string> PicturesIn(string folder) => Directory.GetFiles(folder, "*.png").Select(file => System.IO.Path.GetFileName(file))
        .Where(name => name.Count(letter => letter == '-') == 2).GroupBy(name => name[(name.LastIndexOf('-') + 1)..^".png".Length])
        .ToDictionary(group => group.Key, group => group.First());

    // Also while another process appends to it.
    private static string[] ReadLines(string path)
    {
        using StreamReader reader = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n');
    }

    // A process that was killed while it wrote may have left half a line: what is added must not become part of it.
    private static void CloseLastLine(string path)
    {
        if (File.Exists(path) && File.ReadAllText(path) is { Length: > 0 } text && !text.EndsWith('\n'))
        {
            AtomicWrite.Text(path, text[..(text.LastIndexOf('\n') + 1)]);
        }
    }

    private static FileStream Lock(string path, string folder, Shard shard)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error) when (File.Exists(path))
        {
            throw new IOException($"Another process draws the share {shard} into '{folder}': wait until it ends, or give each process a --shard of its own.", error);
        }
    }
}
