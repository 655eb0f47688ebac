using System.Text.Encodings.Web;
using System.Text.Json;
using SixLabors.ImageSharp;
using SixLabors.ImageSharp.PixelFormats;
using Taiyi.Data;
using Taiyi.Files;

namespace Taiyi.Workshop.Composing;

/// <summary>Composes a whole training set: pictures, <c>metadata.jsonl</c> and a README that says where they come from.</summary>
public static class DatasetComposer
{
    private const int WebpQuality = 90;

    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>Subjects that make poor stickers or posters: signs, hardware, gloom, and emoji whose meaning no caption carries.</summary>
    public static IReadOnlyList<string> UnsuitableLabels { get; } =
    [
        "导盲犬", "服务犬", "正面朝向的小鸡", "猪鼻子", "美洲鸵", "骷髅", "头骨", "棺材", "呕吐", "倒脸", "朝左的话语气泡", "愤怒话语气泡",
        "三角裤", "连体泳衣", "砖", "盐", "罐", "匙", "卡片盒", "标签页", "无待收信件", "已静音的扬声器", "禁止响铃", "趋势向上且带有日元符号的图表",
        "阴", "四点", "朔月", "铁轨", "施工", "身份证", "装有食物的浅底锅", "停止标志", "念珠", "灰心", "安全别针", "X射线",
        "心型装饰", "墨西哥粽子", "灯笼椒", "门松", "入场券", "花札", "缝合针", "黑桃", "老虎机", "长鼓", "轨迹球", "条形图",
    ];

    /// <summary>The subjects of a set: each once, in one of the sets that draw it, in an order and choice that the seed gives.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many subjects.</exception>
    public static IReadOnlyList<ArtSubject> Choose(ArtArchive art, int count, int seed)
    {
        Random random = new(seed);
        ArtSubject[] candidates =
        [
            .. art.Subjects.Where(subject => !Style.HeldOutLabels.Contains(subject.Label) && !UnsuitableLabels.Contains(subject.Label))
                .GroupBy(subject => subject.Codepoints, StringComparer.Ordinal)
                .OrderBy(drawings => drawings.Key, StringComparer.Ordinal)
                .Select(drawings => random.Pick(drawings.ToList())),
        ];
        if (count < 1 || count > candidates.Length)
        {
            throw new ArgumentOutOfRangeException(null, $"A set has 1 to {candidates.Length} pictures, got {count}: the archive has no more subjects.");
        }

        random.Shuffle(candidates);
        return candidates[..count];
    }

    /// <summary>The picture of one subject as a set of this seed has it, at any size; it doesn't depend on the set's other pictures.</summary>
    /// <param name="composer">The style.</param>
    /// <param name="art">The drawings, at 512 pixels or at 128.</param>
    /// <param name="subject">One of the drawings.</param>
    /// <param name="seed">Chooses colours and accents, another choice for every subject.</param>
    /// <param name="size">Width and height in pixels.</param>
    /// <exception cref="DatasetException">The archive has no such drawing.</exception>
    public static Image<Rgb24> Compose(IImageComposer composer, ArtArchive art, ArtSubject subject, int seed = 0, int size = 512)
    {
        using Image<Rgba32> drawing = art.Read(subject);
        return composer.Compose(drawing, SubjectRandom.For(composer.Style.Name, subject, seed), size);
    }

    /// <summary>Composes a set and writes it; older files of the same names are replaced.</summary>
    /// <param name="composer">The style.</param>
    /// <param name="art">The drawings, such as <c>data/art/subjects-512.zip</c>.</param>
    /// <param name="folder">Where; it is made if it's missing.</param>
    /// <param name="count">Number of pictures.</param>
    /// <param name="seed">Chooses subjects, colours and accents: the same seed gives the same files.</param>
    /// <param name="progress">Told of each picture that was written.</param>
    /// <param name="cancellationToken">Stops between two pictures; what was written stays.</param>
    /// <exception cref="DatasetException">The folder holds pictures of another run that this one wouldn't replace.</exception>
    public static void Write(
        IImageComposer composer, ArtArchive art, string folder, int count = 120, int seed = 0, IProgress<ComposingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource source = Interruption.Combine(cancellationToken);
        IReadOnlyList<ArtSubject> subjects = Choose(art, count, seed);
        string[] names = [.. subjects.Select((subject, i) => $"images/{i + 1:000}-{subject.Set}-{subject.Codepoints}.webp")];
        RefuseStrangers(folder, names);

        List<DatasetRow> rows = [];
        List<byte[]> files = [];
        for (int i = 0; i < count; i++)
        {
            source.Token.ThrowIfCancellationRequested();
            using Image<Rgb24> picture = Compose(composer, art, subjects[i], seed);
            files.Add(Canvas.EncodeWebp(picture, WebpQuality));
            rows.Add(new DatasetRow(names[i], composer.Style.Prompt(subjects[i].CountedLabel), subjects[i].File));
            ImageFile.WriteBytes(Path.Combine(folder, names[i]), files[i]);
            progress?.Report(new ComposingProgress(i + 1, count));
        }

        string metadata = string.Concat(rows.Select(row => JsonSerializer.Serialize(row, Readable) + "\n"));
        ImageFile.WriteBytes(Path.Combine(folder, "metadata.jsonl"), System.Text.Encoding.UTF8.GetBytes(metadata));
        string readme = DatasetReadme.Write(composer, subjects, seed, metadata, files);
        ImageFile.WriteBytes(Path.Combine(folder, "README.md"), System.Text.Encoding.UTF8.GetBytes(readme));
    }

    // Pictures of an older, larger run would be orphans.
    private static void RefuseStrangers(string folder, string[] names)
    {
        string images = Path.Combine(folder, "images");
        string[] strangers = Directory.Exists(images)
            ? [.. Directory.GetFiles(images).Select(path => "images/" + Path.GetFileName(path)).Except(names).Order(StringComparer.Ordinal)]
            : [];
        if (strangers.Length > 0)
        {
            throw new DatasetException(
                $"'{folder}' already holds {strangers.Length} files that this set does not have ({strangers[0]} first): choose an empty folder or delete them.");
        }
    }

    // One line of metadata.jsonl; file_name and text are the imagefolder format, the rest says how the picture was made.
    private sealed record DatasetRow(string FileName, string Text, string Art);
}

/// <summary>How far a set is.</summary>
/// <param name="Done">Pictures written.</param>
/// <param name="Total">Pictures of the set.</param>
public sealed record ComposingProgress(int Done, int Total);
