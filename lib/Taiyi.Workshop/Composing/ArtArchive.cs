using System.IO.Compression;
using System.Text.Json;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Files;

namespace Taiyi.Workshop.Composing;

/// <summary>The drawings that the training sets are composed of: a zip of transparent pictures and the list of their Chinese words.</summary>
/// <remarks>Not safe for use from several threads at once, as the zip file under it is not.</remarks>
public sealed class ArtArchive : IDisposable
{
    private static readonly JsonSerializerOptions CamelCase = new(JsonSerializerDefaults.Web);
    private readonly ZipArchive _zip;
    private readonly string _path;

    private ArtArchive(string path, ZipArchive zip, IReadOnlyList<ArtSubject> subjects)
    {
        _path = path;
        _zip = zip;
        Subjects = subjects;
    }

    /// <summary>Every drawing in the zip, in ordinal order of the file names.</summary>
    public IReadOnlyList<ArtSubject> Subjects { get; }

    /// <summary>Opens a zip of drawings; <c>captions.json</c> lies beside it.</summary>
    /// <param name="zipPath">For example <c>data/art/subjects-512.zip</c> (two sets at 512 pixels) or <c>emoji-128.zip</c> (three sets at 128).</param>
    /// <exception cref="DatasetException">A file is missing or broken, or a drawing has no caption.</exception>
    public static ArtArchive Open(string zipPath)
    {
        string captionsPath = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(zipPath))!, "captions.json");
        foreach (string path in new[] { zipPath, captionsPath }.Where(path => !File.Exists(path)))
        {
            throw new DatasetException($"There is no '{path}': the art archive is a zip of drawings with captions.json beside it, as in data/art.");
        }

        ZipArchive? zip = null;
        try
        {
            zip = ZipFile.OpenRead(zipPath);
            Dictionary<string, ArtSubject> captions = JsonSerializer.Deserialize<ArtSubject[]>(TextFile.Read(captionsPath), CamelCase)!
                .ToDictionary(subject => subject.File, StringComparer.Ordinal);
            return new ArtArchive(zipPath, zip, [.. zip.Entries.Select(entry => captions[entry.FullName]).OrderBy(subject => subject.File, StringComparer.Ordinal)]);
        }
        catch (Exception e) when (e is InvalidDataException or JsonException or KeyNotFoundException)
        {
            zip?.Dispose();
            throw new DatasetException($"The art archive '{zipPath}' and its captions.json can't be used: {e.Message}", e);
        }
    }

    /// <summary>The drawing's file as it is stored: a WebP picture with alpha.</summary>
    /// <exception cref="DatasetException">The archive has no such drawing.</exception>
    public byte[] ReadBytes(ArtSubject subject)
    {
        ZipArchiveEntry entry = _zip.GetEntry(subject.File)
            ?? throw new DatasetException($"The art archive '{_path}' has no drawing '{subject.File}'.");
        using Stream stream = entry.Open();
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    /// <summary>The drawing with its transparency; the caller owns it.</summary>
    /// <exception cref="DatasetException">The archive has no such drawing.</exception>
    public Image<Rgba32> Read(ArtSubject subject) => ImageFile.DecodeRgba(ReadBytes(subject), subject.File);

    /// <summary>Closes the zip file.</summary>
    public void Dispose() => _zip.Dispose();
}
