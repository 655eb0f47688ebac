using System.Security.Cryptography;
using System.Text;

namespace Taiyi.Workshop.Composing;

/// <summary>The README of a composed set: what it holds, from where, under which licences, and how to make it again.</summary>
internal static class DatasetReadme
{
    private static readonly (string Set, string Line)[] Sources =
    [
        ("fluent", "Fluent Emoji, flat variant, (c) Microsoft, MIT licence"),
        ("noto", "Noto Emoji, (c) Google, Apache licence 2.0"),
        ("twemoji", "Twemoji, (c) Twitter and contributors, CC-BY 4.0: credit it wherever a picture, or a model trained on it, is shown"),
    ];

    /// <summary>The text of the README.</summary>
    public static string Write(
        IImageComposer composer, IReadOnlyList<ArtSubject> subjects, int seed, string metadata, IReadOnlyList<byte[]> files)
    {
        using IncrementalHash pictures = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (byte[] file in files)
        {
            pictures.AppendData(file);
        }

        return $"""
            # Training set: {composer.Style.Name} ({composer.Style.Words})

            {subjects.Count} pictures of 512 x 512 pixels (WebP, {files.Sum(file => (long)file.Length) / 1e6:0.0} MB) with one Chinese caption each, in `metadata.jsonl`
            (the imagefolder format of Hugging Face: `file_name`, `text`; `art` is the drawing that it is made of).
            Captions read: the subject with its measure word, then `{composer.Style.Words}`.

            Made by `{composer.GetType().Name}` in `lib/Taiyi.Workshop/Composing`, from the drawings in `data/art`, which lie where and as large as the
            base model draws them:

                taiyi compose {composer.Style.Name} --output data/{composer.Style.Name} --count {subjects.Count} --seed {seed}

            | drawings | source and licence |
            |---|---|
            {Table(subjects)}

            Labels: emojibase-data (MIT) from Unicode CLDR (Unicode licence).
            The composition itself is under the licence of this repository.

            Held out, so that pictures of them show whether the style carries over to subjects it was never trained on:
            {string.Join('、', Style.HeldOutLabels)}.

            | SHA-256 of | |
            |---|---|
            | all pictures, one after the other in the order of their names | `{Convert.ToHexStringLower(pictures.GetHashAndReset())}` |
            | `metadata.jsonl` | `{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(metadata)))}` |

            The same seed gives the same bytes on one platform; other processors may round a few pixels differently.

            """.ReplaceLineEndings("\n");
    }

    private static string Table(IReadOnlyList<ArtSubject> subjects) => string.Join('\n', Sources
        .Select(source => (Count: subjects.Count(subject => subject.Set == source.Set), source.Line))
        .Where(row => row.Count > 0)
        .Select(row => $"| {row.Count} | {row.Line} |"));
}
