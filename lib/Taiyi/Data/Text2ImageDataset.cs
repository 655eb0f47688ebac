using System.Globalization;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using SixLabors.ImageSharp.Processing;
using Taiyi.Files;

namespace Taiyi.Data;

/// <summary>A folder of pictures with captions, one to one.</summary>
/// <remarks>
/// Captions are in any <see cref="CaptionFormat"/>. Opening reads names and captions only; a picture is decoded when it is asked
/// for. The order is the ordinal order of the file names, the same on every machine.
/// </remarks>
public sealed class Text2ImageDataset
{
    private readonly Text2ImageOptions _options;

    private Text2ImageDataset(
        DatasetReport report, IReadOnlyList<Text2ImageEntry> entries, IReadOnlyList<ImageFileException> skipped, Text2ImageOptions options)
    {
        Folder = report.Folder;
        Notes = report.Notes;
        Entries = entries;
        Skipped = skipped;
        _options = options;
    }

    /// <summary>The folder that was opened.</summary>
    public string Folder { get; }

    /// <summary>All pictures with their captions.</summary>
    public IReadOnlyList<Text2ImageEntry> Entries { get; }

    /// <summary>The broken pictures that were left out; empty unless <see cref="BrokenImages.Skip"/> was asked.</summary>
    public IReadOnlyList<ImageFileException> Skipped { get; }

    /// <summary>What the user should know of how the folder was read, a sentence each: <see cref="DatasetReport.Notes"/>.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Number of pictures.</summary>
    public int Count => Entries.Count;

    /// <summary>Pictures of an epoch: each as often as it is repeated.</summary>
    public int EpochCount => Entries.Sum(entry => entry.Repeats);

    /// <summary>Width and height of the items in pixels.</summary>
    public int Size => _options.Size;

    /// <summary>Opens a folder of pictures with captions.</summary>
    /// <exception cref="DatasetException">
    /// There is no such folder or no picture in it, a caption file is malformed, or pictures and captions don't pair one to one:
    /// then every orphan is listed in the message and in <see cref="DatasetException.Report"/>.
    /// </exception>
    public static Text2ImageDataset Open(string folder, Text2ImageOptions? options = null)
    {
        options ??= new Text2ImageOptions();
        if (options.Size < 1)
        {
            throw new ArgumentOutOfRangeException(null, $"The size of the pictures is {options.Size}; it must be 1 pixel or more.");
        }

        DatasetReport report = Inspect(folder);
        if (!report.IsOneToOne)
        {
            throw new DatasetException(report);
        }

        if (report.Entries.Count == 0)
        {
            throw new DatasetException($"'{folder}' holds no pictures ({string.Join(", ", ImageFormats.Extensions)}).");
        }

        Dictionary<string, ImageFileException> broken = options.Broken == BrokenImages.Skip ? FindBroken(report.Entries) : [];
        return new Text2ImageDataset(report, [.. report.Entries.Where(entry => !broken.ContainsKey(entry.Path))], [.. broken.Values], options);
    }

    /// <summary>Pairs the pictures and captions of a folder without decoding anything; throws for no orphan but reports them all.</summary>
    /// <exception cref="DatasetException">There is no such folder, or a caption file is malformed.</exception>
    public static DatasetReport Inspect(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DatasetException($"There is no folder '{folder}': name a folder that holds pictures with captions.");
        }

        string[] files = [.. FilesBelow(folder, folder).Order(StringComparer.Ordinal)];
        string[] pictures = [.. files.Where(ImageFormats.IsImage)], others = [.. files.Where(ImageFormats.IsOtherImage)];
        IReadOnlyList<(string File, CaptionFormat Format)> captionFiles = CaptionFile.FindAll(folder, files);
        List<string> notes = [];
        DatasetReport report = captionFiles.Count == 0
            ? Repeated(Pair(folder, CaptionFormat.TextFiles, pictures, others, ReadTextFiles(folder, files, notes), CaptionFile.Stem), notes)
            : Pair(folder, captionFiles[0].Format, pictures, others, ReadCaptionFiles(folder, captionFiles, notes), picture => picture);
        string[] notRead = [.. files.Where(CaptionFile.IsOther), .. captionFiles.Count == 0 ? [] : CaptionsBeside(files, pictures)];
        NoteNotRead(notes, notRead);
        return report with { FilesNotRead = notRead, Notes = notes };
    }

    /// <summary>Decodes, resizes, crops and flips one picture.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <param name="epoch">Which pass over the data: another one gives another random crop and flip.</param>
    /// <returns>A new item; the caller owns it.</returns>
    /// <exception cref="ImageFileException">The picture is broken.</exception>
    public Text2ImageItem Read(int index, int epoch = 0)
    {
        Text2ImageEntry entry = Entries[index];
        using Image<Rgb24> whole = ImageFile.Read(entry.Path);
        using Image<Rgb24> resized = ImagePreprocessing.ResizeShortSide(whole, Size);
        Random random = new Seed(_options.Seed).At(epoch).At(index).CreateRandom();
        using Image<Rgb24> image = _options.Crop == CropMode.Random
            ? ImagePreprocessing.RandomCrop(resized, Size, random)
            : ImagePreprocessing.CenterCrop(resized, Size);
        if (_options.HorizontalFlip && random.Next(2) == 1)
        {
            image.Mutate(context => context.Flip(FlipMode.Horizontal));
        }

        return new Text2ImageItem(image.ToTensor(), entry.Caption, entry.Path);
    }

    private static Dictionary<string, ImageFileException> FindBroken(IReadOnlyList<Text2ImageEntry> entries)
    {
        Dictionary<string, ImageFileException> broken = [];
        foreach (Text2ImageEntry entry in entries)
        {
            Interruption.Token.ThrowIfCancellationRequested();
            try
            {
                ImageFile.Read(entry.Path).Dispose();
            }
            catch (ImageFileException e)
            {
                broken.Add(entry.Path, e);
            }
        }

        return broken;
    }

    // Hidden files are unfinished writes and folder views: not data.
    private static IEnumerable<string> FilesBelow(string root, string folder)
    {
        foreach (FileSystemInfo entry in new DirectoryInfo(folder).EnumerateFileSystemInfos().Where(entry => !entry.Name.StartsWith('.')))
        {
            // .NET shows bytes that are no UTF-8 as U+FFFD, under which the file cannot be opened.
            if (entry.Name.Contains('\uFFFD') && !File.Exists(entry.FullName) && !Directory.Exists(entry.FullName))
            {
                throw new DatasetException($"The name '{entry.Name}' in '{folder}' is not UTF-8, as an archive from another system leaves it: rename the file.");
            }

            string path = Path.Combine(folder, entry.Name);
            IEnumerable<string> files = Directory.Exists(path) ? FilesBelow(root, path) : [Path.GetRelativePath(root, path).Replace('\\', '/')];
            foreach (string file in files)
            {
                yield return file;
            }
        }
    }

    private static List<CaptionEntry> ReadCaptionFiles(string folder, IEnumerable<(string File, CaptionFormat Format)> captionFiles, List<string> notes)
    {
        List<CaptionEntry> captions = [];
        foreach ((string file, CaptionFormat format) in captionFiles)
        {
            captions.AddRange(CaptionFile.Read(folder, file, format, out string? encoding));
            NoteEncoding(notes, file, encoding);
        }

        return captions;
    }

    private static List<CaptionEntry> ReadTextFiles(string folder, IEnumerable<string> files, List<string> notes)
    {
        List<CaptionEntry> captions = [];
        foreach (string file in files.Where(CaptionFile.IsTextFile))
        {
            captions.Add(CaptionFile.ReadText(folder, file, out string? encoding));
            NoteEncoding(notes, file, encoding);
        }

        return captions;
    }

    private static void NoteEncoding(List<string> notes, string file, string? encoding)
    {
        if (encoding is not null)
        {
            notes.Add($"{file} was read as {encoding}, which its byte order mark names.");
        }
    }

    // Text files of pictures where another file holds the captions: one of the two is not what the user trains on.
    private static IEnumerable<string> CaptionsBeside(IEnumerable<string> files, IEnumerable<string> pictures)
    {
        HashSet<string> stems = [.. pictures.Select(CaptionFile.Stem)];
        return files.Where(file => CaptionFile.IsTextFile(file) && stems.Contains(CaptionFile.Stem(file)));
    }

    private static void NoteNotRead(List<string> notes, string[] files)
    {
        if (files.Length > 0)
        {
            string more = files.Length > 3 ? $" and {files.Length - 3} more" : "";
            notes.Add($"Not read: {string.Join(", ", files.Take(3))}{more}. Captions come from {CaptionFile.ReadFrom}.");
        }
    }

    // Folders as kohya's scripts have them hold pictures with a text file each: the number before the first '_' says how often an
    // epoch shows them (sd-scripts, train_util.py and config_util.py, "n_repeats").
    private static DatasetReport Repeated(DatasetReport report, List<string> notes)
    {
        Text2ImageEntry[] entries = [.. report.Entries.Select(entry => entry with { Repeats = RepeatsOf(FolderOf(entry)) })];
        notes.AddRange(entries.Where(entry => entry.Repeats > 1).GroupBy(FolderOf).Select(pictures =>
            $"The pictures in '{pictures.Key}' ({pictures.Count()}) count {pictures.First().Repeats} times in an epoch, as the number before '_' says."));
        return report with { Entries = entries };
    }

    private static string FolderOf(Text2ImageEntry entry) => Path.GetFileName(Path.GetDirectoryName(entry.FileName)) ?? "";

    private static int RepeatsOf(string folder) =>
        folder.Split('_') is [var number, _, ..] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int repeats) && repeats > 1 ? repeats : 1;

    // A caption belongs to a picture when its file name is the picture's caption key.
    private static DatasetReport Pair(
        string folder, CaptionFormat format, string[] pictures, string[] others, IReadOnlyList<CaptionEntry> captions, Func<string, string> captionKey)
    {
        ILookup<string, string> captionsOf = captions.ToLookup(caption => caption.Key, caption => caption.Caption, StringComparer.Ordinal);
        ILookup<string, string> picturesOf = pictures.ToLookup(captionKey, StringComparer.Ordinal);
        bool HasText(string key) => captionsOf[key].Any(caption => caption.Length > 0);
        bool IsPair(string key) => HasText(key) && captionsOf[key].Count() == 1 && picturesOf[key].Count() == 1;

        return new DatasetReport
        {
            Folder = folder,
            Format = format,
            Entries = [.. pictures.Where(picture => IsPair(captionKey(picture)))
                .Select(picture => new Text2ImageEntry(picture, Path.Combine(folder, picture), captionsOf[captionKey(picture)].Single()))],
            ImagesWithoutCaption = [.. pictures.Where(picture => !HasText(captionKey(picture)))],
            ImagesOfOtherFormats = others,
            CaptionsWithoutImage = [.. captions.Where(caption => !picturesOf.Contains(caption.Key) && !others.Select(captionKey).Contains(caption.Key))
                .Select(caption => caption.Name).Distinct().Order(StringComparer.Ordinal)],
            NotOneToOne = [.. pictures.Where(picture => HasText(captionKey(picture)) && !IsPair(captionKey(picture)))],
        };
    }
}
