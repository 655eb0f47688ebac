using System.Text;

namespace Taiyi.Data;

/// <summary>A picture with its caption, not decoded yet.</summary>
/// <param name="FileName">Relative to the data folder, with '/' between folders.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Caption">What it shows.</param>
/// <param name="Repeats">How often an epoch shows it: the number in the name of its folder, as kohya's scripts have it; else 1.</param>
public sealed record Text2ImageEntry(string FileName, string Path, string Caption, int Repeats = 1);

/// <summary>What a data folder holds, and everything that keeps its pictures and captions from pairing one to one.</summary>
public sealed record DatasetReport
{
    /// <summary>The folder.</summary>
    public required string Folder { get; init; }

    /// <summary>Where its captions are.</summary>
    public required CaptionFormat Format { get; init; }

    /// <summary>The pairs, in ordinal order of their file names.</summary>
    public required IReadOnlyList<Text2ImageEntry> Entries { get; init; }

    /// <summary>Pictures without a caption, or with an empty one.</summary>
    public required IReadOnlyList<string> ImagesWithoutCaption { get; init; }

    /// <summary>Pictures in formats that are not read (GIF, TIFF, HEIC and others), by their extensions.</summary>
    public required IReadOnlyList<string> ImagesOfOtherFormats { get; init; }

    /// <summary>Captions (the picture they speak of, or the text file they are in) without a picture.</summary>
    public required IReadOnlyList<string> CaptionsWithoutImage { get; init; }

    /// <summary>Pictures with two captions, and pictures that share one text file.</summary>
    public required IReadOnlyList<string> NotOneToOne { get; init; }

    /// <summary>Files that look like captions or data and are not read, such as <c>metadata.parquet</c>, <c>a.json</c> or <c>a.npz</c>.</summary>
    public IReadOnlyList<string> FilesNotRead { get; init; } = [];

    /// <summary>What is no fault but should be told, a sentence each: a caption file in another encoding, pictures that are repeated, files that are not read.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Whether each picture has one caption and each caption one picture.</summary>
    public bool IsOneToOne => ImagesWithoutCaption.Count + ImagesOfOtherFormats.Count + CaptionsWithoutImage.Count + NotOneToOne.Count == 0;

    /// <summary>The report in words: one line if all is well, else every file that is not in a pair.</summary>
    public override string ToString()
    {
        StringBuilder text = new($"'{Folder}' has {Entries.Count} pictures with captions ({Format})");
        if (IsOneToOne)
        {
            return text.Append('.').ToString();
        }

        text.Append(", and files that don't pair one to one: give each picture one caption, or take the file away.");
        List(text, "pictures without caption", ImagesWithoutCaption);
        List(text, $"pictures in a format that is not read ({ImageFormats.Read} are: {string.Join(", ", ImageFormats.Extensions)})", ImagesOfOtherFormats);
        List(text, "captions without picture", CaptionsWithoutImage);
        List(text, "more than one to one", NotOneToOne);
        List(text, $"files that are not read (captions are, from {CaptionFile.ReadFrom})", FilesNotRead);
        return text.ToString();
    }

    private static void List(StringBuilder text, string title, IReadOnlyList<string> names)
    {
        if (names.Count > 0)
        {
            text.Append($"\n  {names.Count} {title}: ").AppendJoin(", ", names);
        }
    }
}
