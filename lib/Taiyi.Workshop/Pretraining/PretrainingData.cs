using System.Security.Cryptography;
using System.Text;
using Taiyi.Data;
using Taiyi.Workshop.Composing;

namespace Taiyi.Workshop.Pretraining;

/// <summary>Which pictures a pretraining takes: a line of its options, from which a resumed run opens the same again.</summary>
public sealed record PretrainingData
{
    /// <summary>An art archive (a folder with <c>emoji-128.zip</c> and <c>captions.json</c>, or such a zip), or a folder of pictures with captions.</summary>
    public required string Path { get; init; }

    /// <summary>Width and height of the pictures in pixels: a multiple of the VAE's factor.</summary>
    public int Size { get; init; } = 64;

    /// <summary>Sets of the art archive that are taken (fluent, noto, twemoji); all if empty.</summary>
    public IReadOnlyList<string> Sets { get; init; } = [];

    /// <summary>Groups of the art archive that are taken (smileys, animals-nature, food-drink, …); all if empty.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Labels of the art archive that are taken; all if empty. Few subjects seen often are learned sooner than many seen rarely.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Whether every other picture of a folder is mirrored; the art archive knows which of its drawings can be.</summary>
    public bool Mirror { get; init; }

    /// <summary>Seed of order and variations.</summary>
    public int Seed { get; init; }

    /// <summary>Reads labels from a text file with one a line, such as <c>data/art/everyday.txt</c>; empty lines are left out.</summary>
    /// <exception cref="DatasetException">The file is in no certain encoding: the message names it and the line.</exception>
    public static IReadOnlyList<string> ReadLabels(string path) =>
        CaptionFile.TextOf(path, out _).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Decodes all pictures into memory.</summary>
    /// <exception cref="DatasetException">There are no such pictures, or no drawing has one of the labels.</exception>
    public IPictureSource Open(CancellationToken cancellationToken = default)
    {
        string zip = Directory.Exists(Path) ? System.IO.Path.Combine(Path, "emoji-128.zip") : Path;
        if (!File.Exists(zip))
        {
            Text2ImageDataset dataset = Text2ImageDataset.Open(Path, new Text2ImageOptions { Size = Size });
            return FolderPictures.Load(dataset, Seed, Mirror, cancellationToken);
        }

        using ArtArchive archive = ArtArchive.Open(zip);
        if (Labels.Except(archive.Subjects.Select(subject => subject.Label)).FirstOrDefault() is { } unknown)
        {
            throw new DatasetException($"No drawing in '{zip}' has the label '{unknown}': labels are those of captions.json beside it.");
        }

        return ArtPictures.Load(archive, Size, Seed, Takes, cancellationToken);
    }

    /// <summary>SHA-256 of what the originals show: another one means other data.</summary>
    internal static string HashOf(IPictureSource pictures)
    {
        string prompts = string.Join('\n', Enumerable.Range(0, pictures.Count).Select(pictures.Prompt));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(prompts)));
    }

    private bool Takes(ArtSubject subject) => (Sets.Count == 0 || Sets.Contains(subject.Set)) && (Groups.Count == 0 || Groups.Contains(subject.Group))
        && (Labels.Count == 0 || Labels.Contains(subject.Label));
}
